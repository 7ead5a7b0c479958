import { AddressError, type AddressRules } from '#connector';
import type { Address, AddressKind } from '#model';

/*
 * Addresses of the loopback network. A first character says what an address promises, so that every rule about kinds can
 * be proved here: `#lobby` is a room, `~guest` whoever holds it now, `+4930123` a number that may pass to another, and
 * everything else (`alice`) the same somebody for ever. Letters and digits of any script, and `. _ - @`; folded to lower case.
 */
const shape = /^[#~+]?[\p{L}\p{N}\p{M}._@-]{1,64}$/u;
const longest = 64;

/** What an address promises; by its first character. */
export function kindOf(address: string): AddressKind {
  if (address.startsWith('~')) return 'transient';
  return address.startsWith('+') ? 'reassignable' : 'stable';
}

/** Whether a text is an address in its canonical form. */
export function isCanonical(address: string): boolean {
  return shape.test(address) && address === canonical(address);
}

function canonical(raw: string): string {
  return raw.normalize('NFC').toLowerCase();
}

function parse(raw: string): Address {
  if (raw === '') throw new AddressError('An address may not be empty.');
  if (raw.length > longest) throw new AddressError(`An address has at most ${String(longest)} characters.`);
  const value = canonical(raw);
  if (!shape.test(value)) {
    throw new AddressError('An address is a name such as alice, or a room such as #lobby.');
  }
  return { value, kind: kindOf(value) };
}

export const loopbackAddresses: AddressRules = {
  parse,
  kindOf: (address) => (address.startsWith('#') ? 'room' : 'direct'),
  display: (address) => address,
};
