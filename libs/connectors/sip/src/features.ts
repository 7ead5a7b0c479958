/*
 * What this connector does, row by row: the table of docs/networks/sip.md is made from it (`npm run docs`), and
 * features.spec.ts holds it against what the connector declares. "Proved on" names real software where a suite saw it
 * there; the sandbox is a server of our own in the test's process.
 */
import { fallback, native, notCarried, type Feature } from '#connector';

export const provers = { kamailio: 'Kamailio', sipp: 'SIPp', sandbox: 'sandbox' };
export type Prover = keyof typeof provers;

export const features: readonly Feature<Prover>[] = [
  {
    feature: 'messages (RFC 3428)',
    out: native('as plain text, or with the wish for receipts around it (CPIM)'),
    in: native('plain or CPIM, in any charset, compressed or not; answered when it is stored'),
    capability: 'direct',
    provedOn: ['kamailio', 'sipp', 'sandbox'],
  },
  {
    feature: 'what became of it (IMDN, RFC 5438)',
    out: native('asked for with every message, from whoever takes CPIM'),
    in: native('delivered, read, failed'),
    capability: 'receipts',
    provedOn: ['sandbox'],
  },
  {
    feature: 'read receipts (RFC 5438)',
    out: native('told when our person has read it, to whoever asked'),
    in: native(),
    capability: 'read-receipts',
    abilities: ['marks-read'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'calls that ring (RFC 3261, 3326)',
    out: '-',
    in: native(
      'told as ringing, missed, answered elsewhere, declined; answered by presence where the settings say so',
    ),
    provedOn: ['kamailio', 'sipp', 'sandbox'],
  },
  {
    feature: 'calls placed between two phones (RFC 3725 flow I)',
    out: native('my phone first, then theirs; hung up from here, and by whoever comes after a crash'),
    in: '-',
    abilities: ['places-calls'],
    provedOn: ['kamailio', 'sipp', 'sandbox'],
  },
  {
    feature: 'who is writing (RFC 3994)',
    out: native('until a phone says that it does not take it'),
    in: native(),
    capability: 'typing',
    abilities: ['shows-typing'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'presence of contacts (RFC 3856, 3863, 4480; RFC 8048)',
    out: '-',
    in: native('of all their devices as one; XMPP’s own words where a gateway passes them on'),
    capability: 'presence',
    abilities: ['has-contacts'],
    provedOn: ['kamailio', 'sandbox'],
  },
  {
    feature: 'own presence (RFC 3903, 3856)',
    out: native(
      'published at the server, and told to whoever subscribes with us; “chatty” is “available” to most',
    ),
    in: '-',
    capability: 'presence',
    abilities: ['sets-presence'],
    provedOn: ['kamailio', 'sandbox'],
  },
  {
    feature: 'who asks to see it (RFC 3857)',
    out: native('let in where they ask us; a server that keeps presence goes by lists of its own (XCAP)'),
    in: native(),
    abilities: ['admits'],
    provedOn: ['kamailio', 'sandbox'],
  },
  { feature: '/me', out: fallback('as “* …”'), in: notCarried, capability: 'emote', provedOn: ['sandbox'] },
  {
    feature: 'replies',
    out: fallback('with what is answered quoted'),
    in: notCarried,
    capability: 'replies',
    provedOn: ['sandbox'],
  },
  {
    feature: 'corrections',
    out: fallback('told in words'),
    in: notCarried,
    capability: 'edits',
    provedOn: ['sandbox'],
  },
  {
    feature: 'taking back',
    out: fallback('told in words'),
    in: notCarried,
    capability: 'retractions',
    provedOn: ['sandbox'],
  },
  {
    feature: 'reactions',
    out: fallback('told in words'),
    in: notCarried,
    capability: 'reactions',
    provedOn: ['sandbox'],
  },
  {
    feature: 'files',
    out: fallback('an expiring link in the text'),
    in: notCarried,
    capability: 'files',
    provedOn: ['sandbox'],
  },
];
