import { toTon } from '../sms.addresses.js';

/** One of our addresses as providers write it: a number with its plus, all else as it is. */
export function writtenParty(address: string): string {
  const { ton, addr } = toTon(address);
  return ton === 1 ? `+${addr}` : addr;
}
