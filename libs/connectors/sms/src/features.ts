/*
 * What this connector does, row by row: the table of docs/networks/sms.md is made from it (`npm run docs`), and
 * features.spec.ts holds it against what the connector declares. "Proved on" names real software where a suite saw it
 * there; recorded calls are a provider's own requests and answers, played back; the sandbox is a message centre of our own
 * in the test's process.
 */
import { fallback, native, notCarried, type Feature } from '#connector';

export const provers = {
  perl: 'Perl SMSC',
  kannel: 'Kannel',
  gammu: 'gammu-smsd',
  smstools: 'smstools',
  recorded: 'recorded calls',
  sandbox: 'sandbox',
};
export type Prover = keyof typeof provers;

export const features: readonly Feature<Prover>[] = [
  {
    feature: 'texts (3GPP TS 23.038)',
    out: native('in the default alphabet where all of it is there, else in Unicode'),
    in: native(),
    capability: 'direct',
    provedOn: ['perl', 'kannel', 'gammu', 'smstools', 'sandbox'],
  },
  {
    feature: 'long texts, in parts (3GPP TS 23.040 §9.2.3.24)',
    out: native('by headers of 8 or 16 bits, by fields beside the text, or in one piece'),
    in: native('in any order and doubled, over restarts; what came in time where parts are missing'),
    provedOn: ['perl', 'sandbox'],
  },
  {
    feature: 'what became of it (receipts)',
    out: native('asked for with every text'),
    in: native('for each part, before the answer or after it, whichever way ids are written'),
    capability: 'receipts',
    provedOn: ['perl', 'sandbox'],
  },
  {
    feature: 'many own numbers, short codes and names',
    out: native('the conversation says which'),
    in: native('one conversation with each peer on each number'),
    provedOn: ['perl'],
  },
  {
    feature: 'groups (MMS)',
    out: native('where the provider takes a list of recipients'),
    in: native('one conversation for each set of members'),
    provedOn: ['recorded'],
  },
  {
    feature: 'opting out and in again, asking for help',
    out: native('obeyed before anything else, and answered once'),
    in: native('by the known words and those of the account'),
    provedOn: ['perl'],
  },
  {
    feature: 'what a provider calls us with (webhooks)',
    out: notCarried,
    in: native('verified by its signature or secret, stored, then answered; replays are dropped'),
    abilities: ['accepts-http'],
    provedOn: ['kannel', 'recorded'],
  },
  { feature: '/me', out: fallback('as “* …”'), in: notCarried, capability: 'emote', provedOn: ['perl'] },
  {
    feature: 'files',
    out: fallback('an expiring link in the text; beside it where the provider carries them (MMS)'),
    in: fallback('as attachments, from providers that carry them'),
    capability: 'files',
    provedOn: ['recorded'],
  },
  {
    feature: 'corrections',
    out: fallback('told in words'),
    in: notCarried,
    capability: 'edits',
    provedOn: ['perl'],
  },
];
