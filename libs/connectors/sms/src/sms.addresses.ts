/*
 * Addresses of phones: the only maker and parser of them. A conversation's address has our side, `peer/own`, for one
 * account may have many numbers and a peer may write to any of them; a group is its members, sorted, before the slash.
 * Whoever writes is known by the number alone.
 */
import { AddressError, type AddressRules } from '#connector';
import type { AddressKind } from '#model';

/** Who is in a conversation: the others, and which of our numbers they write with. */
export interface Ends {
  readonly peers: readonly string[];
  readonly own: string;
}

/** Whoever holds a number today may lose it to another. */
export const numberKind: AddressKind = 'reassignable';

/** The address of the conversation between some others and one of our numbers. */
export function conversationOf({ peers, own }: Ends): string {
  return `${[...new Set(peers)].sort().join(',')}/${own}`;
}

/** Reads a conversation's address back; without our side where it was not said. */
export function endsOf(conversation: string): {
  readonly peers: readonly string[];
  readonly own: string | undefined;
} {
  const [peers = '', own] = conversation.split('/');
  return { peers: peers.split(',').filter((peer) => peer !== ''), own };
}

export const smsAddresses: AddressRules = {
  parse: (raw) => {
    const value = raw.trim();
    if (!/^[+0-9A-Za-z,/]{1,64}$/.test(value)) throw new AddressError('That is no phone number.');
    return { value, kind: numberKind };
  },
  kindOf: (address) => (endsOf(address).peers.length > 1 ? 'room' : 'direct'),
  display: (address) => address,
};

/** A number as SMPP writes it (SMPP 3.4 §5.2.5, §5.2.6). */
export interface TypedNumber {
  readonly ton: number;
  readonly npi: number;
  readonly addr: string;
}

/** Writes one of our addresses for SMPP. */
export function toTon(address: string): TypedNumber {
  if (address.startsWith('+')) return { ton: 1, npi: 1, addr: address.slice(1) };
  return /^\d+$/.test(address) ? { ton: 0, npi: 1, addr: address } : { ton: 5, npi: 0, addr: address };
}

/** Reads what SMPP wrote. @param region of numbers without a country code */
export function fromTon({ ton, addr }: TypedNumber, region: string | undefined): string {
  void region;
  return ton === 1 && !addr.startsWith('+') ? `+${addr}` : addr;
}
