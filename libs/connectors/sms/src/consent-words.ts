/*
 * Words by which somebody says that they want no more messages, want them again, or want to know what they are: the ones
 * that carriers and providers of North America agree upon (CTIA Messaging Principles §5.1.2), ARRET for those who write
 * French, and an account's own.
 */
import type { ConversationKind } from '#model';
import type { ConsentAct, ConsentSettings } from './courtesy.settings.js';

const known: Readonly<Record<ConsentAct, readonly string[]>> = {
  out: ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'ARRET'],
  // YES is not among them: it answers too many other questions.
  in: ['START', 'UNSTOP'],
  help: ['HELP', 'INFO'],
};

const usualAnswers: Readonly<Record<ConsentAct, string>> = {
  out: 'You will get no more messages from this number. Reply START to get them again.',
  in: 'You will get messages from this number again. Reply STOP to end them.',
  help: 'Reply STOP to get no more messages from this number, START to get them again.',
};

/** Longer texts say more than one word, however it is dressed. */
const longest = 100;

/** What somebody asked for, and what to answer them. */
export interface Consent {
  readonly act: ConsentAct;
  readonly answer?: string;
}

/**
 * Finds out whether a text is one of the words and nothing else: in capitals or not, with blanks, punctuation, quotes or
 * accents ("Stop.", "«arrêt»", "opt-out"), but never in a sentence ("please stop sending"). In a group it is said to
 * the others, not to us.
 */
export function consentIn(
  text: string,
  kind: ConversationKind,
  { words, answers }: ConsentSettings,
): Consent | undefined {
  if (kind !== 'direct' || text.length > longest) return undefined;
  const word = bare(text);
  if (word === '') return undefined;
  // Whoever wants to be left alone is, whatever else their word may mean.
  const act = (['out', 'in', 'help'] as const).find((one) =>
    [...known[one], ...words[one]].some((candidate) => bare(candidate) === word),
  );
  if (act === undefined) return undefined;
  const answer = answers[act] ?? usualAnswers[act];
  return answer.trim() === '' ? { act } : { act, answer };
}

/** A word without all that may be around and between its letters. */
function bare(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toUpperCase();
}
