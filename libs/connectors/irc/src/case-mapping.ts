/** Which characters a network holds to be the same letter (ISUPPORT CASEMAPPING). */
export type CaseMapping = 'ascii' | 'rfc1459' | 'strict-rfc1459';

/** The highest code that has a lower form 32 above it: `Z`, `^`, `]`. */
const upperEnd: Record<CaseMapping, number> = { ascii: 0x5a, rfc1459: 0x5e, 'strict-rfc1459': 0x5d };

/** The mapping a server announced; rfc1459 where it said nothing, ascii where we do not know the word: it folds least. */
export function caseMappingOf(announced: unknown): CaseMapping {
  if (announced === undefined) return 'rfc1459';
  return announced === 'rfc1459' || announced === 'strict-rfc1459' ? announced : 'ascii';
}

/** Two names are the same to a network when their folded forms are equal. */
export function fold(name: string, mapping: CaseMapping): string {
  const end = upperEnd[mapping];
  let folded = '';
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    folded += code >= 0x41 && code <= end ? String.fromCharCode(code + 32) : name.charAt(at);
  }
  return folded;
}
