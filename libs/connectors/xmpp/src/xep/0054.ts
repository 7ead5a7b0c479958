/* XEP-0054: vcard-temp. What somebody says of themselves, with a picture. */
import { xml, type Element } from '../core/xml.js';
import { bytesOf, childrenOf, cut, textIn, webAddressOf, worded } from './reading.js';

export const vcardNs = 'vcard-temp';

/** A picture of more bytes is not kept. */
export const mostPicture = 1_048_576;
const mostLine = 512;
const mostEach = 20;

export interface Picture {
  readonly mediaType?: string;
  readonly bytes: Uint8Array;
}

/** The parts of a card that we keep; the same for XEP-0292. */
export interface Card {
  readonly fullName?: string;
  readonly givenName?: string;
  readonly familyName?: string;
  readonly nickname?: string;
  readonly organisation?: string;
  readonly title?: string;
  readonly role?: string;
  readonly birthday?: string;
  readonly note?: string;
  readonly emails: readonly string[];
  readonly phones: readonly string[];
  readonly urls: readonly string[];
  readonly addresses: readonly string[];
  readonly picture?: Picture;
  /** Where a picture lies that is not in the card. */
  readonly pictureUrl?: string;
}

/** Asks for a card; goes in an iq get. */
export function cardAsk(): Element {
  return xml('vCard', { xmlns: vcardNs });
}

/** Reads a card; undefined where it is none or says nothing (§3.1). */
export function cardOf(vcard: Element | undefined): Card | undefined {
  if (vcard?.is('vCard', vcardNs) !== true) return undefined;
  const name = vcard.getChild('N', vcardNs);
  const organisation = vcard.getChild('ORG', vcardNs);
  const photo = vcard.getChild('PHOTO', vcardNs);
  const bytes = photo && bytesOf(photo.getChildText('BINVAL', vcardNs) ?? undefined, mostPicture);
  const mediaType = photo && textIn(photo, 'TYPE', vcardNs, 128);
  const pictureUrl = photo && webAddressOf(photo.getChildText('EXTVAL', vcardNs) ?? undefined);
  const card = withoutNothing({
    fullName: line(vcard, 'FN'),
    givenName: name && line(name, 'GIVEN'),
    familyName: name && line(name, 'FAMILY'),
    nickname: line(vcard, 'NICKNAME'),
    organisation: organisation && line(organisation, 'ORGNAME'),
    title: line(vcard, 'TITLE'),
    role: line(vcard, 'ROLE'),
    birthday: line(vcard, 'BDAY'),
    note: cut(vcard.getChildText('DESC', vcardNs) ?? undefined, 4_096),
    picture: bytes && { bytes, ...(mediaType !== undefined && { mediaType }) },
    pictureUrl,
  });
  const lists = {
    emails: each(vcard, 'EMAIL', (email) => line(email, 'USERID')),
    phones: each(vcard, 'TEL', (phone) => line(phone, 'NUMBER')),
    urls: each(vcard, 'URL', (url) => webAddressOf(url.getText())),
    addresses: each(vcard, 'ADR', (address) =>
      cut(
        ['STREET', 'EXTADD', 'PCODE', 'LOCALITY', 'REGION', 'CTRY']
          .flatMap((part) => line(address, part) ?? [])
          .join(', '),
        mostLine,
      ),
    ),
  };
  const says = Object.keys(card).length > 0 || Object.values(lists).some(({ length }) => length > 0);
  return says ? { ...card, ...lists } : undefined;
}

function line(parent: Element, name: string): string | undefined {
  return cut(parent.getChildText(name, vcardNs)?.replace(/\s+/g, ' '), mostLine);
}

function each(vcard: Element, name: string, read: (one: Element) => string | undefined): readonly string[] {
  return childrenOf(vcard, name, vcardNs, mostEach).flatMap((one) => read(one) ?? []);
}

/** The members of an object that are there. */
export function withoutNothing<T extends object>(from: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * A card with another name and picture, and all else as it was; goes in an iq set. What it was is what the server gave,
 * so that nothing of it is lost that we do not read.
 * @param was the card that the server holds; none where it holds none.
 */
export function cardWith(
  was: Element | undefined,
  changes: { readonly nickname?: string; readonly fullName?: string; readonly picture?: Picture | null },
): Element {
  const { nickname, fullName, picture } = changes;
  const changed = new Set([
    ...(nickname === undefined ? [] : ['NICKNAME']),
    ...(fullName === undefined ? [] : ['FN']),
    ...(picture === undefined ? [] : ['PHOTO']),
  ]);
  const kept = was?.is('vCard', vcardNs) === true ? was.getChildElements() : [];
  return xml(
    'vCard',
    { xmlns: vcardNs },
    worded('FN', fullName),
    worded('NICKNAME', nickname),
    ...kept.filter((child) => !changed.has(child.getName())),
    picture &&
      xml(
        'PHOTO',
        {},
        xml('TYPE', {}, picture.mediaType ?? 'application/octet-stream'),
        xml('BINVAL', {}, Buffer.from(picture.bytes).toString('base64')),
      ),
  );
}
