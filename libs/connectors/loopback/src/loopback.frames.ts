/*
 * The loopback protocol: one JSON object per line, UTF-8, LF. A client logs in (`hello`), takes one or more names
 * (`attach`) and acts as them (`as`). What the server delivers to a name is numbered; `ack n` says that everything up to
 * n is durably kept, and whatever was not acknowledged is delivered again after the next `attach`. Everything on one
 * connection is answered in order.
 */
import type { JsonValue } from '#connector';
import { callStates, errorCodes, legStates, presences, subscriptions } from '#model';
import { isCanonical } from './loopback.addresses.js';
import {
  count,
  fields,
  flag,
  list,
  oneOf,
  ProtocolViolation,
  tagged,
  text,
  type Read,
  type Reader,
} from './readers.js';

/** Longest line in bytes, either way. A line past it is a violation, so that nobody fills our memory. */
export const longestLine = 1 << 20;

const code = oneOf(errorCodes);
/** A peer's word for an address is none until it has the form of one. */
const address: Reader<string> = (value, what) => {
  if (typeof value !== 'string' || !isCanonical(value)) throw new ProtocolViolation(`${what} is no address`);
  return value;
};
const json: Reader<JsonValue> = (value) => value as JsonValue;
const party = fields({ address: address }, { name: text, stable: address });
const occupant = fields({ address: address }, { name: text, role: text });
const told = { from: party, conversation: address, room: flag, at: count };
/** What a change is about: by the network's id, or by the one that its sender chose. */
const about = { ...told, target: text };
const bySender = { bySender: flag };
/** All that they react with by now. */
const all = { all: list(text, 100) };
const own = { own: flag, wire: text };

/** A small file, as base64. */
const file = fields({ name: text, data: text }, { type: text });

/** What a name receives; kept by the server until it is acknowledged. */
const event = tagged('kind', {
  message: fields(
    { ...told, id: text, text },
    // `sid`: its sender's own id. `unnamed`: the network's is told by its history only.
    { ...own, sid: text, unnamed: flag, emote: flag, notice: flag, reply: text, file },
  ),
  edit: fields({ ...about, text }, { ...own, ...bySender }),
  retraction: fields(about, { ...own, ...bySender }),
  reaction: fields({ ...about, emoji: text, removed: flag }, { ...own, ...bySender, ...all }),
  receipt: fields(
    { wire: text, state: oneOf(['sent', 'delivered', 'read', 'failed']), at: count },
    { id: text, code, detail: text },
  ),
  room: fields(
    { conversation: address, at: count },
    {
      act: oneOf(['topic', 'kick', 'ban', 'mode', 'invite']),
      by: party,
      joined: flag,
      topic: text,
      detail: text,
      code,
    },
  ),
  identity: fields({ party, at: count }, { formerly: address, avatar: file, faceless: flag }),
  contact: fields(
    {
      who: party,
      listed: flag,
      groups: list(text, 100),
      subscription: oneOf(subscriptions),
      asks: flag,
      at: count,
    },
    { name: text },
  ),
  // `last`: the last message that was read, where the network names it.
  read: fields({ conversation: address, at: count }, { last: text }),
  departure: fields({ address, at: count }),
  // `placed`: by us, and `call` is our own id; `mine` and `theirs` are its two phones.
  call: fields(
    { call: text, who: party, direction: oneOf(['in', 'out']), state: oneOf(callStates), at: count },
    { placed: flag, mine: oneOf(legStates), theirs: oneOf(legStates) },
  ),
});

const serverFrame = tagged('t', {
  welcome: fields({ server: text }),
  denied: fields({ code }, { detail: text }),
  attached: fields(
    { as: address, instance: text, first: count },
    { lost: fields({ from: count, until: count, reason: text }) },
  ),
  unattached: fields({ as: address, code }, { detail: text }),
  detached: fields({ as: address }),
  deliver: fields({ as: address, n: count, event }, { late: flag }),
  accepted: fields({ as: address, wire: text, id: text }),
  later: fields({ as: address, wire: text, ms: count }, { detail: text }),
  refused: fields({ as: address, wire: text, code }, { detail: text }),
  joined: fields(
    { as: address, room: address, who: list(occupant, 20_000) },
    { topic: text, without: list(text, 32) },
  ),
  unjoined: fields({ as: address, room: address }, { code, detail: text }),
  came: fields({ as: address, room: address, who: occupant }),
  went: fields({ as: address, room: address, who: address }),
  presence: fields({ as: address, who: address, presence: oneOf(presences) }, { note: text }),
  typing: fields({ as: address, conversation: address, who: address, active: flag }),
  page: fields({ q: count, events: list(event, 1_000), complete: flag }),
  answer: fields({ q: count }, { answer: json, code, detail: text }),
  resolved: fields({ q: count, fate: oneOf(['present', 'absent', 'unknown']) }),
  rate: fields({ burst: count, perSecond: count }),
  ping: fields({ k: count }),
  pong: fields({ k: count }),
  bye: fields({}, { code }),
});

const envelope = { as: address, wire: text, to: address };

const clientFrame = tagged('t', {
  hello: fields({ name: text, receipts: flag }, { password: text }),
  attach: fields({ as: address }, { after: fields({ instance: text, n: count }) }),
  detach: fields({ as: address }),
  ack: fields({ as: address, n: count }),
  decline: fields({ as: address, n: count, code }),
  send: fields({ ...envelope, text }, { emote: flag, notice: flag, reply: text }),
  edit: fields({ ...envelope, target: text, text }),
  retract: fields({ ...envelope, target: text }),
  react: fields({ ...envelope, target: text, emoji: text, removed: flag }, all),
  join: fields({ as: address, room: address }, { key: text }),
  part: fields({ as: address, room: address }),
  presence: fields({ as: address, presence: oneOf(presences) }, { note: text }),
  contacts: fields({
    as: address,
    who: list(fields({ address, groups: list(text, 100) }, { name: text, settled: flag }), 20_000),
    off: list(address, 20_000),
  }),
  admit: fields({ as: address, who: address, answer: oneOf(['approve', 'deny']) }),
  typing: fields({ as: address, to: address, active: flag }),
  history: fields(
    { as: address, q: count, with: address, limit: count },
    { before: text, beforeTime: count },
  ),
  mark: fields({ as: address, with: address, upTo: count }),
  ask: fields({ as: address, q: count, kind: text, options: json }, { room: address }),
  resolve: fields({ as: address, q: count, wire: text }),
  call: fields({ as: address, q: count, call: text, to: address }, { from: address }),
  'hang-up': fields({ as: address, q: count, call: text }),
  ping: fields({ k: count }),
  pong: fields({ k: count }),
  bye: fields({}),
});

export type LoopbackEvent = Read<typeof event>;
export type LoopbackParty = Read<typeof party>;
export type LoopbackOccupant = Read<typeof occupant>;
export type ServerFrame = Read<typeof serverFrame>;
export type ClientFrame = Read<typeof clientFrame>;
/** The frames that carry an envelope's part and are answered by its wire id. */
export type EnvelopeFrame = Extract<ClientFrame, { readonly t: 'send' | 'edit' | 'retract' | 'react' }>;

function parse<T>(reader: Reader<T>, line: string): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ProtocolViolation('the line is no JSON');
  }
  return reader(value, 'the line');
}

/** Reads one line from the server. Throws a `ProtocolViolation`. */
export function parseServerFrame(line: string): ServerFrame {
  return parse(serverFrame, line);
}

/** Reads one line from a client. Throws a `ProtocolViolation`. */
export function parseClientFrame(line: string): ClientFrame {
  return parse(clientFrame, line);
}

/** A frame as a line. JSON escapes every control character, so no text can end a line or begin another. */
export function lineOf(frame: ServerFrame | ClientFrame): string {
  return `${JSON.stringify(frame)}\n`;
}
