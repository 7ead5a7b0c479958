/* XEP-0292: vCard4 over XMPP (RFC 6351), as much of it as is kept of a card. */
import { xml, type Element } from '../core/xml.js';
import { withoutNothing, type Card } from './0054.js';
import { childrenOf, cut, webAddressOf } from './reading.js';

export const card4Ns = 'urn:ietf:params:xml:ns:vcard-4.0';
/** The node that holds it. */
export const card4Node = 'urn:xmpp:vcard4';

const mostLine = 512;
const mostEach = 20;

/** Reads a card; undefined where it is none or says nothing. A picture in it (`data:`) is not taken: avatars tell of it. */
export function card4Of(vcard: Element | undefined): Card | undefined {
  if (vcard?.is('vcard', card4Ns) !== true) return undefined;
  const name = vcard.getChild('n', card4Ns);
  const card = withoutNothing({
    fullName: first(vcard, 'fn', 'text'),
    givenName: name && line(name, 'given'),
    familyName: name && line(name, 'surname'),
    nickname: first(vcard, 'nickname', 'text'),
    organisation: first(vcard, 'org', 'text'),
    title: first(vcard, 'title', 'text'),
    role: first(vcard, 'role', 'text'),
    birthday: first(vcard, 'bday', 'date'),
    note: cut(vcard.getChild('note', card4Ns)?.getChildText('text', card4Ns) ?? undefined, 4_096),
    pictureUrl: webAddressOf(first(vcard, 'photo', 'uri')),
  });
  const lists = {
    emails: each(vcard, 'email', (email) => line(email, 'text')),
    phones: each(vcard, 'tel', (phone) => line(phone, 'text') ?? line(phone, 'uri')?.replace(/^tel:/, '')),
    urls: each(vcard, 'url', (url) => webAddressOf(line(url, 'uri'))),
    addresses: each(vcard, 'adr', (address) =>
      cut(
        ['street', 'ext', 'code', 'locality', 'region', 'country']
          .flatMap((part) => line(address, part) ?? [])
          .join(', '),
        mostLine,
      ),
    ),
  };
  const says = Object.keys(card).length > 0 || Object.values(lists).some(({ length }) => length > 0);
  return says ? { ...card, ...lists } : undefined;
}

/** Our own card with a name; goes into an item of the node. */
export function card4({ fullName, nickname }: Pick<Card, 'fullName' | 'nickname'>): Element {
  const named = (name: string, text: string | undefined): Element | undefined =>
    text === undefined ? undefined : xml(name, {}, xml('text', {}, text));
  return xml('vcard', { xmlns: card4Ns }, named('fn', fullName), named('nickname', nickname));
}

function first(vcard: Element, name: string, kind: string): string | undefined {
  const child = vcard.getChild(name, card4Ns);
  return child && line(child, kind);
}

function line(parent: Element, name: string): string | undefined {
  return cut(parent.getChildText(name, card4Ns)?.replace(/\s+/g, ' '), mostLine);
}

function each(vcard: Element, name: string, read: (one: Element) => string | undefined): readonly string[] {
  return childrenOf(vcard, name, card4Ns, mostEach).flatMap((one) => read(one) ?? []);
}
