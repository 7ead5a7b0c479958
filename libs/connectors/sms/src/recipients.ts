/*
 * Whether a text may go to somebody, and whether now: where the account may send to, who can be written to with which
 * kind of sender, and the hours of those who would be woken.
 */
import { failure, type Failure } from '#model';
import type { Courtesy } from './courtesy.settings.js';
import { kindOfParty, phoneOf, regionOf, showParty } from './numbers.js';
import { clockIn, quietIn } from './quiet-hours.js';
import { countryOf, zonesIn, zonesOf } from './zones.js';

/** Who would be written to, and from which of our numbers. */
export interface Route {
  readonly peers: readonly string[];
  readonly own: string;
  /** Where our short codes and those we write to belong, ISO 3166. */
  readonly region: string | undefined;
}

/** Never by text, whatever the country: 112 by 3GPP TS 22.101 §10.1, 911 and 999 wherever a phone knows them. */
const emergencies = new Set(['112', '911', '999']);
/** Of single countries. */
const emergenciesIn: Readonly<Record<string, string>> = {
  AT: '122 133 144',
  AU: '000 106',
  BE: '100 101',
  BR: '190 192 193',
  CH: '117 118 144',
  CN: '110 119 120',
  CZ: '150 155 158',
  DE: '110',
  ES: '061 062 080 091',
  FR: '114 115 119',
  IN: '100 101 102 108',
  IT: '113 115 118',
  JP: '110 118 119',
  KR: '119',
  MX: '066 080',
  NO: '110 113',
  NZ: '111',
  PL: '997 998',
  RU: '101 102 103',
  TR: '110 155 156',
  UA: '101 102 103',
  ZA: '10111 10177',
};
/** Countries whose networks show no names as senders. */
const nameless: ReadonlySet<string | undefined> = new Set(['US', 'CA']);

const names = new Intl.DisplayNames('en', { type: 'region' });
const withArticle =
  /^(United|Netherlands|Philippines|Bahamas|Maldives|Comoros|Seychelles|U\.S\.|.* (Islands|Republic|Territories|Netherlands)$)/;

/** A country as a sentence names it. */
function country(code: string): string {
  const name = names.of(code) ?? code;
  return withArticle.test(name) ? `the ${name}` : name;
}

/** Why a text may not go at all; undefined where it may. */
export function refusalOf({ peers, own, region }: Route, courtesy: Courtesy): Failure | undefined {
  for (const peer of peers) {
    const refused = refusedTo(peer, own, region, courtesy);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function refusedTo(
  peer: string,
  own: string,
  region: string | undefined,
  courtesy: Courtesy,
): Failure | undefined {
  const kind = kindOfParty(peer);
  const shown = showParty(peer);
  if (kind === 'name') {
    return failure('unsupported', `${shown} is a name and no number: nobody can write to it.`);
  }
  if (kind === 'short-code') return refusedToShortCode(peer, own, region);
  const phone = phoneOf(peer);
  const code = phone && countryOf(phone);
  const where = code === undefined ? shown : country(code);
  if (!isAllowed(peer, code, courtesy)) {
    return failure(
      'not-allowed',
      `This account may not write to ${where === shown ? shown : `${shown} in ${where}`}.`,
    );
  }
  const ownKind = kindOfParty(own);
  const home = regionOf(region);
  if (ownKind === 'name' && nameless.has(code)) {
    return failure('not-allowed', `Phones in ${where} show no names as senders; send from a number.`);
  }
  if (
    ownKind === 'short-code' &&
    !courtesy.shortCodesAbroad &&
    home !== undefined &&
    code !== undefined &&
    code !== home
  ) {
    return failure(
      'not-allowed',
      `The short code ${own} belongs to ${country(home)} and does not reach ${where}; send from another number.`,
    );
  }
  return undefined;
}

function refusedToShortCode(peer: string, own: string, region: string | undefined): Failure | undefined {
  if (emergencies.has(peer) || emergenciesIn[region ?? '']?.split(' ').includes(peer) === true) {
    return failure(
      'not-allowed',
      `${peer} is an emergency number: call it, for no text is sure to arrive there.`,
      'give-up',
    );
  }
  const home = regionOf(region);
  const phone = phoneOf(own);
  const from = phone && countryOf(phone);
  if (home === undefined || from === undefined || from === home) return undefined;
  return failure(
    'not-allowed',
    `The short code ${peer} belongs to ${country(home)} and cannot be written to from ${showParty(own)}.`,
  );
}

/** By countries (`DE`) and by how numbers begin (`+4915`). What is denied is denied; what is not allowed, where anything is, too. */
function isAllowed(peer: string, code: string | undefined, { allowTo, denyTo }: Courtesy): boolean {
  const matches = (place: string): boolean => isPlaceOf(place, peer, code);
  if (denyTo.some(matches)) return false;
  return allowTo.length === 0 || allowTo.some(matches);
}

/** Whether a number is in a country (`DE`) or begins so (`+4915`). */
export function isWithin(peer: string, place: string): boolean {
  if (place.startsWith('+')) return isPlaceOf(place, peer, undefined);
  const phone = phoneOf(peer);
  return isPlaceOf(place, peer, phone && countryOf(phone));
}

function isPlaceOf(place: string, peer: string, code: string | undefined): boolean {
  return place.startsWith('+') ? peer.startsWith(place) : place === code;
}

/** When a text should wait, for it is too late or too early for one of those it goes to; and why, as a sentence. */
export function waitFor(
  { peers }: Pick<Route, 'peers'>,
  { quietHours }: Courtesy,
  at: Date,
): { readonly at: Date; readonly why: string } | undefined {
  if (quietHours === undefined) return undefined;
  const clocks = peers.flatMap((peer) => {
    const phone = phoneOf(peer);
    const code = phone && countryOf(phone);
    return phone && code !== undefined ? zonesOf(phone).map((zone) => ({ zone, code })) : [];
  });
  const zones = [...new Set(clocks.map(({ zone }) => zone))];
  const quiet = quietIn(zones, quietHours, at);
  if (quiet === undefined) return undefined;
  const code = clocks.find(({ zone }) => zone === quiet.zone)?.code;
  if (code === undefined) return undefined;
  const shows = (zone: string): string => clockIn(zone, at.getTime());
  const theirs = new Set(clocks.filter((clock) => clock.code === code).map(({ zone }) => shows(zone)));
  const city = quiet.zone.split('/').at(-1)?.replaceAll('_', ' ') ?? '';
  const where = new Set(zonesIn(code).map(shows)).size > 1 ? `${country(code)} (${city})` : country(code);
  const is = theirs.size > 1 ? 'It may be' : 'It is';
  return {
    at: quiet.until,
    why: `${is} ${quiet.clock} in ${where}; quiet hours end at ${quietHours.until}.`,
  };
}
