/*
 * The only maker and parser of IRC addresses. Three shapes:
 * - `#room`, `&room`: a channel;
 * - `nick`: whoever holds that nick now (transient);
 * - `account:name`: a services account, which the network vouches for (stable). No nick can hold a colon.
 *
 * Letters A to Z are lowered and nothing else is folded. The networks differ in the rest (`[` equals `{` under rfc1459
 * and not under ascii), an address knows no network, and folding too much would send to somebody else. What a network
 * itself holds to be equal is compared by its session, with its own case mapping.
 */
import { AddressError, type AddressRules } from '#connector';
import type { Address, ConversationKind } from '#model';

const roomMarks = '#&+!';
const accountMark = 'account:';
const longest = 200;

/** What would end, split or re-aim a line: blanks, controls, the comma that separates targets, parts of a mask. */
const impossible = /[\0-\x20\x7f,]/;
/** What no person means to type: controls, halves of characters, what turns the direction of reading about. */
const unseen = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;

/** The address of a room or nick as the network wrote it. */
export function addressOf(wireName: string): string {
  return wireName.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The address of a services account. */
export function accountAddress(account: string): string {
  return accountMark + addressOf(account);
}

/** The services account that an address names, if it does. */
export function accountOf(address: string): string | undefined {
  return address.startsWith(accountMark) ? address.slice(accountMark.length) : undefined;
}

/** Whether an address names a channel. */
export function isRoom(address: string): boolean {
  return address !== '' && roomMarks.includes(address.charAt(0));
}

/** The name to write on the wire, or undefined for what cannot be written to (a services account, something broken). */
export function wireTarget(address: string): string | undefined {
  if (address === '' || impossible.test(address) || address.startsWith(':')) return undefined;
  return address.startsWith(accountMark) ? undefined : address;
}

function parse(raw: string): Address {
  if (unseen.test(raw)) throw new AddressError('There are characters in it that cannot be seen.');
  const text = raw.trim();
  if (text === '')
    throw new AddressError('An IRC address is a nick such as alice or a channel such as #lobby.');
  if (Buffer.byteLength(text) > longest) throw new AddressError('That is too long for an IRC address.');
  if (impossible.test(text) || /\s/.test(text))
    throw new AddressError('An IRC address has no blanks and no commas.');
  if (isRoom(text)) {
    if (text.length === 1) throw new AddressError('A channel needs a name after its mark, such as #lobby.');
    if (text.includes(':')) throw new AddressError('An IRC channel has no colon in its name.');
    return { value: addressOf(text), kind: 'stable' };
  }
  if (text.toLowerCase().startsWith(accountMark)) {
    const account = text.slice(accountMark.length);
    if (account === '' || account.includes(':'))
      throw new AddressError('account: wants the name of a services account.');
    return { value: accountAddress(account), kind: 'stable' };
  }
  if (/[!@:]/.test(text)) {
    throw new AddressError('Give the nick alone, without user and host: alice, not alice!a@example.org.');
  }
  if (/^[\d$~%-]/.test(text)) throw new AddressError('A nick does not begin with a digit or a sign.');
  return { value: addressOf(text), kind: 'transient' };
}

export const ircAddresses: AddressRules = {
  parse,
  kindOf: (address): ConversationKind => (isRoom(address) ? 'room' : 'direct'),
  display: (address) => address,
};
