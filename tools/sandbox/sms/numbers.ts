import { npi, ton, type SmeAddress } from '#protocols/smpp';

/** A number or name as the wire has it: international with its plus taken off, a short code, or letters. */
export function addressOf(raw: string): SmeAddress {
  if (raw.startsWith('+')) return { ton: ton.international, npi: npi.isdn, addr: raw.slice(1) };
  if (/^\d+$/.test(raw)) return { ton: ton.unknown, npi: npi.isdn, addr: raw };
  return { ton: ton.alphanumeric, npi: npi.unknown, addr: raw };
}

/** The other way round. Many ESMEs send international numbers as unknown ones: so long a number can be no other. */
export function numberOf({ ton: kind, addr }: SmeAddress): string {
  const digits = addr.replace(/^\+/, '');
  const isInternational = kind === ton.international || (kind === ton.unknown && /^\d{10,15}$/.test(digits));
  return isInternational ? `+${digits}` : addr;
}
