/*
 * Colours as IRC writes them. \x03 takes a number: 0 to 15 are mIRC's own, 16 to 98 a palette that every client of today
 * shares, 99 the reader's default. \x04 takes six hexadecimal digits. Here they are `#rrggbb` both ways; outward the names
 * of CSS's basic colours do too.
 */

/** 0 to 15 (mIRC), then 16 to 98 (modern.ircdocs.horse/formatting, "Colors 16-98"). */
const palette: readonly string[] = (
  'ffffff 000000 00007f 009300 ff0000 7f0000 9c009c fc7f00 ffff00 00fc00 009393 00ffff 0000fc ff00ff 7f7f7f d2d2d2 ' +
  '470000 472100 474700 324700 004700 00472c 004747 002747 000047 2e0047 470047 47002a ' +
  '740000 743a00 747400 517400 007400 007449 007474 004074 000074 4b0074 740074 740045 ' +
  'b50000 b56300 b5b500 7db500 00b500 00b571 00b5b5 0063b5 0000b5 7500b5 b500b5 b5006b ' +
  'ff0000 ff8c00 ffff00 b2ff00 00ff00 00ffa0 00ffff 008cff 0000ff a500ff ff00ff ff0098 ' +
  'ff5959 ffb459 ffff71 cfff60 6fff6f 65ffc9 6dffff 59b4ff 5959ff c459ff ff66ff ff59bc ' +
  'ff9c9c ffd39c ffff9c e2ff9c 9cff9c 9cffdb 9cffff 9cd3ff 9c9cff dc9cff ff9cff ff94d3 ' +
  '000000 131313 282828 363636 4d4d4d 656565 818181 9f9f9f bcbcbc e2e2e2 ffffff'
).split(' ');

const numbers = new Map<string, number>();
for (const [number, hex] of palette.entries()) if (!numbers.has(hex)) numbers.set(hex, number);

/** CSS 2.1 §4.3.6. */
const names: Readonly<Record<string, string>> = {
  black: '000000',
  silver: 'c0c0c0',
  gray: '808080',
  grey: '808080',
  white: 'ffffff',
  maroon: '800000',
  red: 'ff0000',
  purple: '800080',
  fuchsia: 'ff00ff',
  green: '008000',
  lime: '00ff00',
  olive: '808000',
  yellow: 'ffff00',
  navy: '000080',
  blue: '0000ff',
  teal: '008080',
  aqua: '00ffff',
  orange: 'ffa500',
};

/** `#rrggbb` of a number after \x03; undefined for the reader's default (99). */
export function colourOf(number: string): string | undefined {
  const hex = palette[Number(number)];
  return hex === undefined ? undefined : `#${hex}`;
}

/** Six digits of a colour as a person or another network writes it; undefined where it is none that we know. */
function hexOf(colour: string): string | undefined {
  const text = colour.trim().toLowerCase();
  if (/^#[0-9a-f]{6}$/.test(text)) return text.slice(1);
  if (/^#[0-9a-f]{3}$/.test(text)) return text.slice(1).replace(/./g, '$&$&');
  return Object.hasOwn(names, text) ? names[text] : undefined;
}

/** The number of the colour that looks most like it. */
function nearest(hex: string): number {
  const parts = (of: string): readonly number[] => [0, 2, 4].map((at) => parseInt(of.slice(at, at + 2), 16));
  const wanted = parts(hex);
  let [best, least] = [1, Infinity];
  for (const [number, one] of palette.entries()) {
    const distance = parts(one).reduce((sum, part, at) => sum + (part - (wanted[at] ?? 0)) ** 2, 0);
    if (distance < least) [best, least] = [number, distance];
  }
  return best;
}

const digits = (number: number): string => String(number).padStart(2, '0');

/** A colour as codes: what sets it, and whether it leaves the background as it was before. */
export interface ColourCode {
  readonly code: string;
  /** Says nothing of the background. */
  readonly open: boolean;
}

/**
 * The code that sets a foreground and a background; undefined where neither is a colour that can be said. What the
 * palette has goes by number, which every client reads; the rest as hexadecimal digits.
 */
export function codeOf(
  foreground: string | undefined,
  background: string | undefined,
): ColourCode | undefined {
  const front = foreground === undefined ? undefined : hexOf(foreground);
  const back = background === undefined ? undefined : hexOf(background);
  if (front === undefined) {
    // The digits alone cannot leave the foreground as it is.
    return back === undefined
      ? undefined
      : { code: `\x0399,${digits(numbers.get(back) ?? nearest(back))}`, open: false };
  }
  const [frontNumber, backNumber] = [numbers.get(front), back === undefined ? undefined : numbers.get(back)];
  if (back === undefined) {
    return frontNumber === undefined
      ? { code: `\x04${front}`, open: true }
      : { code: `\x03${digits(frontNumber)}`, open: true };
  }
  return frontNumber === undefined || backNumber === undefined
    ? { code: `\x04${front},${back}`, open: false }
    : { code: `\x03${digits(frontNumber)},${digits(backNumber)}`, open: false };
}
