/*
 * The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1 and §6.2.1.1), one septet in one octet,
 * as SMPP carries it. A character outside both tables cannot be said in it.
 */

const ESCAPE = 0x1b;

/** §6.2.1, by septet. The escape itself stands for a space where nothing follows that it could change. */
const base =
  '@£$¥èéùìòÇ\nØø\rÅå' +
  'Δ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ' +
  ' !"#¤%&\'()*+,-./' +
  '0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNO' +
  'PQRSTUVWXYZÄÖÑÜ§' +
  '¿abcdefghijklmno' +
  'pqrstuvwxyzäöñüà';

/** §6.2.1.1, by the septet after the escape. */
const extension: ReadonlyMap<number, string> = new Map([
  [0x0a, '\f'],
  [0x14, '^'],
  [0x28, '{'],
  [0x29, '}'],
  [0x2f, '\\'],
  [0x3c, '['],
  [0x3d, '~'],
  [0x3e, ']'],
  [0x40, '|'],
  [0x65, '€'],
]);

const septets: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...Array.from(base, (character, septet) => [character, [septet]] as const).filter(
    ([, [septet]]) => septet !== ESCAPE,
  ),
  ...Array.from(extension, ([septet, character]) => [character, [ESCAPE, septet]] as const),
]);

/**
 * How many septets a character takes.
 * @param character one code point
 * @returns 1, or 2 for one of the extension table, or 0 for one that is in neither
 */
export function septetsOf(character: string): 0 | 1 | 2 {
  return (septets.get(character)?.length ?? 0) as 0 | 1 | 2;
}

/**
 * A text in the default alphabet, one septet per octet.
 * @returns undefined where a character is in neither table
 */
export function toGsm(text: string): Buffer | undefined {
  const octets: number[] = [];
  for (const character of text) {
    const found = septets.get(character);
    if (!found) return undefined;
    octets.push(...found);
  }
  return Buffer.from(octets);
}

/**
 * Reads septets, one per octet. Whatever it is given: an escape before a septet that the extension table lacks leaves
 * the base character (§6.2.1.1), a second escape or the end of the text makes it a space (§6.2.1.1 note 1, §6.2.1 note 1),
 * and an octet with the top bit set, which is no septet, U+FFFD.
 */
export function fromGsm(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] ?? 0;
    if (octet !== ESCAPE) {
      text += base[octet] ?? '\ufffd';
      continue;
    }
    const next = octets[at + 1];
    if (next === undefined) return `${text} `;
    at++;
    text += next === ESCAPE ? ' ' : (extension.get(next) ?? base[next] ?? '\ufffd');
  }
  return text;
}
