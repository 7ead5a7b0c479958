/*
 * How a text is coded, counted and cut into short messages. One short message carries 140 octets (3GPP TS 23.040
 * §9.2.3.16): 160 septets or 70 code units of 16 bits. Each of several carries a header too: with a reference of 8 bits
 * it takes 6 octets, with one of 16 bits 7 (§9.2.3.24.1 and .8).
 */
import { toUcs2 } from './codings.js';
import { septetsOf, toGsm } from './gsm.js';
import { buildHeader, concatenationElement } from './headers.js';
import { transliterate } from './transliterate.js';

/**
 * How the parts of a long text say that they are parts: by headers with a reference of 8 or of 16 bits, by SMPP's
 * `sar_*` fields, from which the message centre makes headers, or not at all: one `message_payload`, which it cuts itself.
 */
export type Carriage = 'udh8' | 'udh16' | 'sar' | 'payload';

export interface PlanWish {
  /** `auto`, unless said: GSM 7 bit where all of it can be said so, else UCS-2. */
  readonly coding?: 'auto' | 'gsm7' | 'ucs2';
  /** Whether to say with the default alphabet what is close to it, where that makes the whole text fit it. */
  readonly transliterate?: boolean;
  /** `udh8`, unless said. */
  readonly carriage?: Carriage;
}

export interface TextPlan {
  readonly coding: 'gsm7' | 'ucs2';
  /** The coding's name for people. */
  readonly label: 'GSM-7' | 'UCS-2';
  readonly dataCoding: 0x00 | 0x08;
  readonly carriage: Carriage;
  /** The text as it will go: joined, its parts are this. */
  readonly text: string;
  /** Whether that differs from what was given. */
  readonly transliterated: boolean;
  readonly parts: readonly PlannedPart[];
  /** Septets or code units of 16 bits that the text takes, headers not counted. */
  readonly units: number;
  /** How many more fit into the last part. */
  readonly unitsLeft: number;
}

export interface PlannedPart {
  readonly text: string;
  /** Septets or code units of 16 bits. */
  readonly units: number;
}

export interface TextProblem {
  readonly problem: 'too-long' | 'not-in-alphabet';
  /** A sentence for the person. */
  readonly detail: string;
}

/** The fields of one submit_sm. */
export interface Piece {
  /** Whether a header stands before the text: bit 0x40 of esm_class. */
  readonly udhi: boolean;
  readonly dataCoding: 0x00 | 0x08;
  readonly shortMessage: Buffer;
  readonly messagePayload?: Buffer;
  readonly sar?: { readonly reference: number; readonly of: number; readonly number: number };
}

/** What a part number of 8 bits can count. */
const mostParts = 255;
const labels = { gsm7: 'GSM-7', ucs2: 'UCS-2' } as const;
const dataCodings = { gsm7: 0x00, ucs2: 0x08 } as const;
const alone = { gsm7: 160, ucs2: 70 } as const;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** How much of a text goes into each of several parts. */
function perPart(coding: 'gsm7' | 'ucs2', carriage: Carriage): number {
  if (carriage === 'udh16') return coding === 'gsm7' ? 152 : 66;
  return coding === 'gsm7' ? 153 : 67;
}

/**
 * Plans a text: which coding, how many parts, where they end. No character is cut, in UCS-2 no grapheme either (a flag,
 * a family, a letter with its accents), unless it alone is longer than a part. Lone surrogates become U+FFFD.
 */
export function planText(given: string, wish: PlanWish = {}): TextPlan | TextProblem {
  const carriage = wish.carriage ?? 'udh8';
  // Far past what any coding could say: not worth looking through.
  if (given.length > 3 * mostParts * alone.gsm7) return tooLong('gsm7', carriage);
  const whole = given.toWellFormed();
  const said = wish.coding === 'ucs2' ? undefined : saidInGsm(whole, wish.transliterate === true);
  if (said === undefined && wish.coding === 'gsm7') return notInAlphabet(whole);
  const coding = said === undefined ? 'ucs2' : 'gsm7';
  const text = said ?? whole;
  const units = coding === 'gsm7' ? septetsIn(text) : text.length;
  const room = units <= alone[coding] ? alone[coding] : perPart(coding, carriage);
  if (units > mostParts * room) return tooLong(coding, carriage);
  const parts = coding === 'gsm7' ? cutSeptets(text, room) : cutGraphemes(text, room);
  if (parts.length > mostParts) return tooLong(coding, carriage);
  return {
    coding,
    label: labels[coding],
    dataCoding: dataCodings[coding],
    carriage,
    text,
    transliterated: text !== given,
    parts,
    units,
    unitsLeft: room - (parts.at(-1)?.units ?? 0),
  };
}

function saidInGsm(text: string, mayReplace: boolean): string | undefined {
  for (const character of text) {
    if (septetsOf(character) === 0) return mayReplace ? transliterate(text) : undefined;
  }
  return text;
}

function septetsIn(text: string): number {
  let septets = 0;
  for (const character of text) septets += septetsOf(character);
  return septets;
}

/** Cuts between characters: an escape and what it escapes are one. */
function cutSeptets(text: string, room: number): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let from = 0;
  let units = 0;
  // All characters of the alphabet are one code unit of the text.
  for (let at = 0; at < text.length; at++) {
    const septets = septetsOf(text.charAt(at));
    if (units + septets > room) {
      parts.push({ text: text.slice(from, at), units });
      from = at;
      units = 0;
    }
    units += septets;
  }
  return [...parts, { text: text.slice(from), units }];
}

/** Cuts before the grapheme that would reach past the edge; one that alone is longer than a part is cut between characters. */
function cutGraphemes(text: string, room: number): PlannedPart[] {
  const found = graphemes.segment(text);
  const parts: PlannedPart[] = [];
  let from = 0;
  while (text.length - from > room) {
    const edge = from + room;
    const start = found.containing(edge)?.index ?? edge;
    // `containing` looks at code units: the edge may lie within a pair, whose first half is then not ours.
    const cut = start > from ? start : edge - (isLowSurrogate(text, edge) ? 1 : 0);
    parts.push({ text: text.slice(from, cut), units: cut - from });
    from = cut;
  }
  return [...parts, { text: text.slice(from), units: text.length - from }];
}

function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

function tooLong(coding: 'gsm7' | 'ucs2', carriage: Carriage): TextProblem {
  const most = mostParts * perPart(coding, carriage);
  return {
    problem: 'too-long',
    detail: `A text message has at most ${String(mostParts)} parts, which is ${String(most)} characters of ${labels[coding]}.`,
  };
}

function notInAlphabet(text: string): TextProblem {
  const odd = new Set<string>();
  for (const { segment } of graphemes.segment(text.slice(0, 5_000))) {
    if (toGsm(segment) === undefined) odd.add(segment.slice(0, 20));
    if (odd.size === 3) break;
  }
  const shown = Array.from(odd, (grapheme) => `"${grapheme}"`).join(', ');
  return {
    problem: 'not-in-alphabet',
    detail: `The GSM 7 bit alphabet, which is demanded here, cannot say ${shown === '' ? 'all of this' : shown}.`,
  };
}

/**
 * What goes into each submit_sm.
 * @param reference what the parts of this text have in common, 0 to 65535, other than the last texts' to the same number;
 *   a header of 8 bits takes its low octet
 */
export function piecesOf(plan: TextPlan, reference: number): readonly Piece[] {
  const { carriage, dataCoding } = plan;
  const octetsOf = (text: string): Buffer =>
    (plan.coding === 'gsm7' ? toGsm(text) : undefined) ?? toUcs2(text);
  const of = plan.parts.length;
  if (of === 1) return [{ udhi: false, dataCoding, shortMessage: octetsOf(plan.text) }];
  if (carriage === 'payload') {
    // SMPP 3.4 §5.3.2.32: where the payload is used, sm_length is 0.
    const messagePayload = octetsOf(plan.text);
    return [{ udhi: false, dataCoding, shortMessage: Buffer.alloc(0), messagePayload }];
  }
  return plan.parts.map(({ text }, index): Piece => {
    const part = { reference: reference & 0xffff, of, number: index + 1 };
    const octets = octetsOf(text);
    if (carriage === 'sar') return { udhi: false, dataCoding, shortMessage: octets, sar: part };
    const header = buildHeader([concatenationElement({ size: carriage === 'udh8' ? 8 : 16, ...part })]);
    return { udhi: true, dataCoding, shortMessage: Buffer.concat([header, octets]) };
  });
}
