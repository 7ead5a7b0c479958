/*
 * What one party of a text is called, made canonical:
 * - `+12025550123`: a number that is the same everywhere (E.164);
 * - `12345`: a short code, 3 to 8 digits; longer digits without a plus are a number whose country nobody knows;
 * - `ACME`: a name instead of a number, at most 11 characters of the GSM alphabet with a letter among them
 *   (3GPP TS 23.040 §9.1.2.5). What would break an address apart is written as in a URL.
 * A short code is told from a number before anything else is tried: `12345` is nobody's `+1 12345`.
 */
import {
  isSupportedCountry,
  parsePhoneNumberFromString,
  validatePhoneNumberLength,
  type CountryCode,
  type PhoneNumber,
} from 'libphonenumber-js/max';
import { toGsm } from '#protocols/smpp';

export type PartyKind = 'number' | 'short-code' | 'local' | 'name';

const shortest = 3;
const longestShortCode = 8;
/** SMPP 3.4 §5.2.8 has 20 octets for an address, E.164 15 digits. */
const longestParty = 20;
const longestName = 11;

/** What a canonical party is. */
export function kindOfParty(party: string): PartyKind {
  if (/^\+\d+$/.test(party)) return 'number';
  if (!/^\d+$/.test(party)) return 'name';
  return party.length <= longestShortCode ? 'short-code' : 'local';
}

/** Whether a text is a party as it is made here, by people or by a network. */
export function isParty(text: string): boolean {
  if (/^\+?\d+$/.test(text)) return text.length <= longestParty + 1;
  const name = nameOf(text);
  return Array.from(name).length <= longestParty && name.trim() !== '' && escaped(name) === text;
}

/** The country that a number belongs to, where that can be told: a short code or name belongs to none. */
export function phoneOf(party: string): PhoneNumber | undefined {
  return kindOfParty(party) === 'number' ? parsePhoneNumberFromString(party) : undefined;
}

/** A country as the library knows it; undefined for no country. */
export function regionOf(region: string | undefined): CountryCode | undefined {
  return region !== undefined && isSupportedCountry(region) ? region : undefined;
}

/** What a person typed that is no party, and why: a sentence. */
export interface NoParty {
  readonly why: string;
}

/**
 * Reads what a person typed: a number as people write it, a short code, or a name.
 * @param region where numbers without a country code belong
 */
export function readParty(typed: string, region: CountryCode | undefined): string | NoParty {
  const raw = plain(typed);
  if (raw === '') return { why: 'An address may not be empty.' };
  if (raw.length > 64) return { why: 'That is too long for a phone number.' };
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(raw))
    return { why: 'There are characters in it that no phone number has.' };
  if (/\p{L}/u.test(raw)) return readName(raw);
  if (!/^\+?[\d\s().\-\u2010-\u2015\u2212/]+$/.test(raw)) return { why: `"${raw}" is no phone number.` };
  const digits = raw.replace(/\D/g, '');
  if (raw.startsWith('+')) return readInternational(digits);
  if (digits.length < shortest) return { why: 'A number has at least 3 digits.' };
  if (digits.length <= longestShortCode) return shortOrNational(digits, region);
  if (region === undefined) {
    if (digits.startsWith('00')) return readInternational(digits.slice(2));
    return { why: 'Write the number with + and its country code, such as +1 202 555 0123.' };
  }
  return numberIn(digits, region) ?? { why: `${raw} is no phone number, neither in ${region} nor abroad.` };
}

function readInternational(digits: string): string | NoParty {
  switch (validatePhoneNumberLength(`+${digits}`)) {
    case undefined:
      return `+${digits}`;
    case 'TOO_SHORT':
      return { why: `+${digits} is too short for a phone number.` };
    case 'TOO_LONG':
      return { why: `+${digits} is too long for a phone number.` };
    case 'INVALID_COUNTRY':
      return { why: `+${digits} begins with no country code.` };
    case 'INVALID_LENGTH':
    case 'NOT_A_NUMBER':
      return { why: `+${digits} is no phone number.` };
  }
}

function readName(raw: string): string | NoParty {
  const octets = toGsm(raw);
  if (octets === undefined)
    return { why: `The name "${raw}" has characters that phones cannot show as a sender.` };
  if (octets.length > longestName)
    return { why: `A name that stands for a number has at most 11 characters.` };
  return escaped(raw);
}

/** Digits that a person or a network wrote, of 3 to 8: a short code, but where the country's own numbers are as short. */
function shortOrNational(digits: string, region: CountryCode | undefined): string {
  const national = digits.length < 7 ? undefined : writtenNationally(digits, region);
  return national ?? digits;
}

/** A valid number of a country, written as it is written there: with the 0 before it where there must be one. */
function writtenNationally(digits: string, region: CountryCode | undefined): string | undefined {
  const national = region && parsePhoneNumberFromString(digits, region);
  if (!national?.isValid() || national.country !== region) return undefined;
  return national.formatNational().replace(/\D/g, '') === digits ? national.number : undefined;
}

/** A number of more than 8 digits that does not say whether its country code is among them. */
function numberIn(digits: string, region: CountryCode | undefined): string | undefined {
  const national = region && parsePhoneNumberFromString(digits, region);
  const international = parsePhoneNumberFromString(`+${digits.replace(/^00/, '')}`);
  const tries = [
    writtenNationally(digits, region),
    digits.startsWith('0') && national?.isPossible() === true ? national.number : undefined,
    international?.isValid() === true ? international.number : undefined,
    national?.isPossible() === true ? national.number : undefined,
    international?.isPossible() === true ? international.number : undefined,
  ];
  return tries.find((found) => found !== undefined);
}

const remembered = new Map<string, string>();
const mostRemembered = 2_000;

/**
 * Reads digits whose kind a network did not say, or said to be national. Never refuses: what is no number that we know
 * stays the digits that came.
 */
export function readDigits(
  digits: string,
  kind: 'unknown' | 'national',
  region: CountryCode | undefined,
): string {
  if (digits.length < 7) return digits;
  const key = `${region ?? ''} ${kind} ${digits}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  let read: string | undefined;
  if (digits.length <= longestShortCode) read = shortOrNational(digits, region);
  else if (kind === 'unknown') read = numberIn(digits, region);
  else if (region !== undefined) read = parsePhoneNumberFromString(digits, region)?.number;
  read ??= digits;
  if (remembered.size >= mostRemembered) remembered.clear();
  remembered.set(key, read);
  return read;
}

/** Reads digits that a network said to be international: a few of them are a short code all the same. */
export function readAbroad(digits: string): string {
  if (digits.length > longestShortCode) return `+${digits}`;
  return digits.length >= 7 && validatePhoneNumberLength(`+${digits}`) === undefined ? `+${digits}` : digits;
}

/** A name that a network wrote, cut where no network could have written more. */
export function readWrittenName(written: string): string {
  return escaped(Array.from(written).slice(0, longestParty).join(''));
}

/** What a network wrote, without blanks around it and without what cannot be seen. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0x0f))
    .trim();
}

/** A name as a part of an address. */
function escaped(name: string): string {
  return name.replace(/[%/,;+\p{C}]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

/** A name as it is written on the wire and shown. */
export function nameOf(party: string): string {
  try {
    return decodeURIComponent(party);
  } catch {
    return party;
  }
}

/** A party as people write it. */
export function showParty(party: string): string {
  const kind = kindOfParty(party);
  if (kind === 'name') return nameOf(party);
  if (kind !== 'number') return party;
  const american = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(party);
  if (american) return `+1 ${american.slice(1).join('-')}`;
  return parsePhoneNumberFromString(party)?.formatInternational() ?? party;
}
