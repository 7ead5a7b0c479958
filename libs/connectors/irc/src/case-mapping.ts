/**
 * Which characters a network holds to be the same letter (ISUPPORT CASEMAPPING). `unicode` stands for all that go beyond
 * ASCII (rfc7613, rfc8265, precis, utf8).
 */
export type CaseMapping = 'ascii' | 'rfc1459' | 'strict-rfc1459' | 'unicode';

/** The highest code that has a lower form 32 above it: `Z`, `^`, `]`. */
const upperEnd: Record<Exclude<CaseMapping, 'unicode'>, number> = {
  ascii: 0x5a,
  rfc1459: 0x5e,
  'strict-rfc1459': 0x5d,
};

/** The mapping a server announced; rfc1459 where it said nothing, ascii where we do not know the word: it folds least. */
export function caseMappingOf(announced: string | undefined): CaseMapping {
  switch (announced?.toLowerCase()) {
    case undefined:
    case 'rfc1459':
      return 'rfc1459';
    case 'strict-rfc1459':
    case 'rfc1459-strict':
      return 'strict-rfc1459';
    case 'rfc7613':
    case 'rfc7700':
    case 'rfc8265':
    case 'precis':
    case 'utf8':
    case 'utf-8':
    case 'permissive':
      return 'unicode';
    default:
      return 'ascii';
  }
}

/** Two names are the same to a network when their folded forms are equal. */
export function fold(name: string, mapping: CaseMapping): string {
  // As close to the case-mapped username of RFC 8265 §3.3 as needs no tables: width, case, composition.
  if (mapping === 'unicode') return name.normalize('NFKC').toLowerCase().normalize('NFC');
  const end = upperEnd[mapping];
  let folded = '';
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    folded += code >= 0x41 && code <= end ? String.fromCharCode(code + 32) : name.charAt(at);
  }
  return folded;
}
