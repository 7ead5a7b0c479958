/*
 * What this connector does, row by row: the table of docs/networks/irc.md is made from it (`npm run docs`), and
 * features.spec.ts holds it against what the connector declares. "Proved on" names real servers where a suite saw it
 * there; what none of them offers was proved on the sandbox, a server of our own in the test's process.
 */
import { fallback, native, notCarried, type Feature } from '#connector';

export const provers = {
  inspircd: 'InspIRCd',
  ngircd: 'ngIRCd',
  hybrid: 'IRCD-Hybrid',
  znc: 'ZNC',
  sandbox: 'sandbox',
};
export type Prover = keyof typeof provers;

const everywhere: readonly Prover[] = ['inspircd', 'ngircd', 'hybrid', 'znc'];
const servers: readonly Prover[] = ['inspircd', 'ngircd', 'hybrid'];

export const features: readonly Feature<Prover>[] = [
  {
    feature: 'private messages',
    out: native('long ones in parts, between words, never within a character'),
    in: native(),
    capability: 'direct',
    provedOn: everywhere,
  },
  {
    feature: 'messages in rooms',
    out: native(),
    in: native(),
    capability: 'rooms',
    abilities: ['has-rooms'],
    provedOn: everywhere,
  },
  {
    feature: '/me (CTCP ACTION)',
    out: native(),
    in: native(),
    capability: 'emote',
    provedOn: servers,
  },
  { feature: 'notices', out: native(), in: native(), provedOn: ['inspircd'] },
  {
    feature: 'messages to part of a room (STATUSMSG)',
    out: native(),
    in: native('with to whom it was said'),
    needs: ['`STATUSMSG`'],
    provedOn: ['inspircd'],
  },
  {
    feature: 'bold, italic, underline, strike, monospace, colours',
    out: native(),
    in: native(),
    capability: 'formatting',
    provedOn: ['inspircd'],
  },
  {
    feature: 'messages of several lines',
    out: native('else each line is a message'),
    in: native(),
    needs: ['`draft/multiline`'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'replies',
    out: native('else the beginning of what is answered, quoted in a line above'),
    in: native(),
    needs: ['`message-tags` (`+draft/reply`)'],
    capability: 'replies',
    provedOn: ['inspircd'],
  },
  {
    feature: 'corrections',
    out: fallback('a new message that begins with `*`'),
    in: { level: 'none', how: 'IRC has none' },
    capability: 'edits',
    provedOn: ['inspircd'],
  },
  {
    feature: 'reactions',
    out: native('else `/me reacted with …`'),
    in: native(),
    needs: ['`message-tags` (`+draft/react`)'],
    capability: 'reactions',
    abilities: ['reacts'],
    provedOn: ['inspircd'],
  },
  {
    feature: 'taking back',
    out: native(),
    in: native('also by operators'),
    needs: ['`draft/message-redaction`'],
    capability: 'retractions',
    abilities: ['retracts'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'typing',
    out: native(),
    in: native(),
    needs: ['`message-tags` (`+typing`)'],
    capability: 'typing',
    abilities: ['shows-typing'],
    provedOn: ['inspircd'],
  },
  {
    feature: 'requests to the client (CTCP VERSION, PING, TIME, CLIENTINFO)',
    out: '-',
    in: native('answered, rarely'),
    provedOn: ['inspircd'],
  },
  {
    feature: 'files',
    out: fallback('the link, in a line of its own'),
    in: notCarried,
    capability: 'files',
    provedOn: ['inspircd'],
  },
  {
    feature: 'own messages from other devices',
    out: '-',
    in: native(),
    needs: ['a bouncer, or a server that sends them'],
    provedOn: ['znc'],
  },
  {
    feature: 'what was missed, caught up with',
    out: '-',
    in: native('else a gap is shown'),
    needs: ['`draft/chathistory`, or a bouncer that plays back'],
    provedOn: ['sandbox', 'znc'],
  },
  {
    feature: 'older messages, when asked for',
    out: '-',
    in: native(),
    needs: ['`draft/chathistory`'],
    capability: 'history',
    abilities: ['has-history'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'how far was read, on all devices',
    out: native(),
    in: native(),
    needs: ['`draft/read-marker`'],
    capability: 'read-marks',
    abilities: ['marks-read'],
    provedOn: ['sandbox'],
  },
  {
    feature: 'topic',
    out: native(),
    in: native('with who set it'),
    capability: 'topics',
    requests: ['topic'],
    provedOn: ['inspircd'],
  },
  {
    feature: 'joining and leaving rooms, with keys',
    out: native(),
    in: native('with the reason when it is refused'),
    provedOn: servers,
  },
  { feature: 'who is in a room, with roles', out: '-', in: native(), provedOn: servers },
  {
    feature: 'renames',
    out: native('own nick, and its return'),
    in: native('the conversation follows a rename that was witnessed'),
    provedOn: ['inspircd'],
  },
  {
    feature: 'presence',
    out: native('AWAY; busy as `busy: …`; chatty and available are both "here"'),
    in: native(),
    needs: ['`away-notify` for people in common rooms'],
    capability: 'presence',
    abilities: ['sets-presence'],
    provedOn: ['inspircd'],
  },
  {
    feature: 'whom the person cares for (roster)',
    out: '-',
    in: native('who is there and who is away, by MONITOR, else WATCH, else ISON'),
    capability: 'roster',
    abilities: ['has-contacts'],
    provedOn: ['sandbox'],
  },
];
