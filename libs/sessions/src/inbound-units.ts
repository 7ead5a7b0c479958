import { createHash } from 'node:crypto';
import {
  idsOf,
  mostIdBytes,
  mostOtherIds,
  type CallName,
  type Connector,
  type InboundBatch,
  type InboundEvent,
  type InboundMessage,
  type InboundParty,
  type JsonObject,
  type RemoteId,
} from '#connector';
import { cleanText, type MessageContent, type WorkspaceId } from '#model';
import type { Held } from './lease.store.js';

/** Who takes in: a session's right to its link. */
export interface Taker extends Held {
  readonly workspace: WorkspaceId;
  /** What speaks the link's protocol. */
  readonly connector: Connector;
  /** How the link is set. */
  readonly settings: JsonObject;
  /** The connector's word for itself. */
  readonly protocol: string;
}

/** One event on its way in, with what must be stored with it. The last unit of a batch carries the batch's notes. */
export interface Unit {
  readonly taker: Taker;
  readonly event?: InboundEvent;
  /** Where its message is to stand; by its time where nothing is said. */
  readonly position?: number;
  readonly notes: readonly KeyValueNote[];
}

export interface KeyValueNote {
  readonly account: string;
  readonly key: string;
  readonly value: unknown;
}

/** A batch as units, in order. A batch without events is one unit of notes. */
export function unitsOf(taker: Taker, batch: InboundBatch, positions: readonly number[] = []): Unit[] {
  const notes: KeyValueNote[] = [...(batch.keyValues ?? []), ...(batch.checkpoint ? [batch.checkpoint] : [])];
  const last = batch.events.length - 1;
  if (last < 0) return [{ taker, notes }];
  return batch.events.map((event, index) => {
    const position = positions[index];
    return {
      taker,
      event: cleaned(event),
      ...(position !== undefined && { position }),
      notes: index === last ? notes : [],
    };
  });
}

/** What a peer's clock may say without being taken for nonsense: up to a day ahead, back to 1990. */
const DAY_MS = 86_400_000;
const EARLIEST = Date.UTC(1990, 0, 1);

/** An event with text that every engine can store, and a time that can be believed. */
function cleaned(event: InboundEvent): InboundEvent {
  if (event.type === 'message') {
    return {
      ...withIds(event, idsOf(event).filter(isHeld)),
      content: cleanContent(event.content),
      ...(event.consent?.answer !== undefined && {
        consent: { ...event.consent, answer: cleanText(event.consent.answer) },
      }),
      at: believable(event.at),
    };
  }
  if (event.type === 'call') return { ...event, call: heldCall(event.call), at: believable(event.at) };
  if ('content' in event) return { ...event, content: cleanContent(event.content) };
  return event;
}

/** A message that bears these ids, and answers what it answers where that has an id. */
function withIds(event: InboundMessage, [first, ...others]: readonly RemoteId[]): InboundMessage {
  const bare = { ...event };
  delete bare.remoteId;
  delete bare.otherIds;
  if (event.replyTo && !isHeld(event.replyTo)) delete bare.replyTo;
  return {
    ...bare,
    ...(first && { remoteId: first }),
    ...(others.length > 0 && { otherIds: others.slice(0, mostOtherIds) }),
  };
}

/** A message is not refused for an id that no index can hold: it goes without. */
function isHeld({ scope, id }: RemoteId): boolean {
  return Buffer.byteLength(scope) + Buffer.byteLength(id) <= mostIdBytes;
}

/** A call is one by its id: what no index can hold is told by its hash. */
function heldCall(call: CallName): CallName {
  if ('placed' in call) return call;
  const remoteId = cleanText(call.remoteId);
  return Buffer.byteLength(remoteId) <= mostIdBytes
    ? { remoteId }
    : { remoteId: createHash('sha256').update(remoteId).digest('base64url') };
}

function cleanContent(content: MessageContent): MessageContent {
  return { ...content, text: cleanText(content.text) };
}

function believable(at: Date): Date {
  const now = Date.now();
  const time = at.getTime();
  return Number.isFinite(time) && time >= EARLIEST && time <= now + DAY_MS ? at : new Date(now);
}

/**
 * What tells two sightings of one message by: the network's id alone; an id that the sender chose only with the author
 * and equal content, so that nobody's id hides another's message.
 */
export function remoteAuthor(id: RemoteId, message: InboundMessage): string {
  if (id.by === 'network') return '';
  const { author, content } = message;
  return createHash('sha256')
    .update(JSON.stringify([author.address, content]))
    .digest('base64url');
}

/** Whoever an event is from. */
export function partiesOf(event: InboundEvent): InboundParty[] {
  switch (event.type) {
    case 'message':
      return event.origin === 'remote' ? [event.author] : [];
    case 'edit':
    case 'retraction':
      // Who did it is not kept where the network stands for it: it may be the network itself.
      return event.origin === 'remote' && event.vouched !== true ? [event.author] : [];
    case 'reaction':
      return event.origin === 'remote' ? [event.author] : [];
    case 'room':
      return event.by && event.act ? [event.by] : [];
    case 'identity':
      return event.formerly === undefined ? [event.party] : [];
    case 'call':
      return [event.party];
    case 'contact':
      return event.listed || event.asks ? [event.party] : [];
    case 'receipt':
    case 'read':
    case 'departure':
    case 'gap':
      return [];
  }
}

/**
 * Cuts units where an address changes hands after it was spoken from: within one transaction renames come first, then
 * departures, then what was said, so what was otherwise in order belongs into a transaction of its own. So does a change
 * of what was only just said: a transaction writes changes before messages.
 */
export function stretchesOf(units: readonly Unit[]): readonly (readonly Unit[])[] {
  const stretches: Unit[][] = [];
  let current: Unit[] = [];
  /** Addresses, with the type of event in which they were met. */
  let met = new Map<string, string>();
  /** Ids of messages. */
  let said = new Set<string>();
  for (const unit of units) {
    const { event } = unit;
    const handed = event === undefined ? [] : changesHands(event);
    if (
      event &&
      (handed.some((address) => (met.get(`${event.account} ${address}`) ?? event.type) !== event.type) ||
        ('target' in event && said.has(idKey(event, event.target))))
    ) {
      stretches.push(current);
      current = [];
      met = new Map();
      said = new Set();
    }
    current.push(unit);
    if (!event) continue;
    if (event.type === 'message') for (const id of idsOf(event)) said.add(idKey(event, id));
    for (const address of handed) met.set(`${event.account} ${address}`, event.type);
    if (handed.length > 0) continue;
    for (const { address } of partiesOf(event)) met.set(`${event.account} ${address}`, 'party');
    if ('conversationKind' in event && event.conversationKind === 'direct')
      met.set(`${event.account} ${event.conversation}`, 'party');
  }
  if (current.length > 0) stretches.push(current);
  return stretches;
}

function idKey({ account }: InboundEvent, { scope, id }: RemoteId): string {
  return `${account}\0${scope}\0${id}`;
}

/** The addresses that have another holder, or none, after an event. */
function changesHands(event: InboundEvent): readonly string[] {
  if (event.type === 'departure') return [event.address];
  if (event.type === 'identity' && event.formerly !== undefined) return [event.formerly, event.party.address];
  return [];
}
