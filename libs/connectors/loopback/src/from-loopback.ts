/* From the loopback protocol to the contract's words: pure. */
import type { Consent, InboundChange, InboundEvent, InboundParty, Occupant, RemoteId } from '#connector';
import {
  brand,
  failure,
  isUuid,
  unreachable,
  type AccountId,
  type Capabilities,
  type Mode,
  type Origin,
} from '#model';
import { parseWireId } from '#connector';
import type { BroughtFile } from './file-inbox.js';
import { kindOf } from './loopback.addresses.js';
import type { LoopbackEvent, LoopbackOccupant, LoopbackParty } from './loopback.frames.js';

/** What a translation needs to know of its reader. */
export interface Reading {
  readonly account: AccountId;
  /** The network, in which message ids are unique. */
  readonly scope: string;
  readonly mode: Mode;
  /** Whether receipts name messages by the network's ids, where they bear any. */
  readonly receiptsById?: boolean;
  /** Whether `consentOf` has words here. */
  readonly consentWords?: boolean;
}

export function remoteIdOf(scope: string, id: string): RemoteId {
  return { scope, id, by: 'network' };
}

/** An id that whoever said something in a conversation chose for it. */
export function senderIdOf(conversation: string, id: string): RemoteId {
  return { scope: `id:${conversation}`, id, by: 'sender' };
}

function partyOf(party: LoopbackParty): InboundParty {
  return {
    address: party.address,
    kind: kindOf(party.address),
    ...(party.name === undefined ? {} : { name: party.name }),
    ...(party.stable === undefined ? {} : { stableAddress: party.stable }),
  };
}

export function occupantOf(occupant: LoopbackOccupant): Occupant {
  return {
    address: occupant.address,
    ...(occupant.name === undefined ? {} : { name: occupant.name }),
    ...(occupant.role === undefined ? {} : { role: occupant.role }),
  };
}

/** An own message is ours only if it bears a wire id of our making; else another client of the same name said it. */
function originOf(event: { readonly own?: boolean; readonly wire?: string }): Origin {
  if (event.own !== true) return 'remote';
  return event.wire !== undefined && parseWireId(event.wire) ? 'own' : 'other-device';
}

/** The file that a message brings. What is no base64 is left out of it, as Node does. */
export function fileOf(file: NonNullable<Extract<LoopbackEvent, { kind: 'message' }>['file']>): BroughtFile {
  return {
    name: file.name,
    ...(file.type === undefined ? {} : { mediaType: file.type }),
    bytes: Buffer.from(file.data, 'base64'),
  };
}

const consents: ReadonlyMap<string, Consent> = new Map<string, Consent>([
  ['STOP', { act: 'out', answer: 'You will get no more messages. START to begin again.' }],
  ['START', { act: 'in', answer: 'You will get messages again. STOP to end.' }],
  ['HELP', { act: 'help', answer: 'STOP to get no more messages.' }],
]);

/** What a message that consists of one of the words says of its author’s consent. */
function consentOf(text: string): { readonly consent?: Consent } {
  const consent = consents.get(text.trim().toUpperCase());
  return consent ? { consent } : {};
}

/** One reaction, or all of them where the network says so. */
function reactionOf({
  emoji,
  removed,
  all,
}: Extract<LoopbackEvent, { kind: 'reaction' }>): Partial<InboundChange> {
  return all === undefined ? { reaction: { emoji, removed } } : { reactions: all };
}

/** One delivered event as the house takes it in, but for a file that it brings. */
export function fromLoopback(event: LoopbackEvent, reading: Reading): InboundEvent {
  const { account, scope, mode } = reading;
  const at = new Date(event.at);
  switch (event.kind) {
    case 'message':
      return {
        type: 'message',
        ...placeOf(event, reading),
        ...ownershipOf(event),
        author: partyOf(event.from),
        content: {
          text: event.text,
          ...(event.emote === true ? { emote: true } : {}),
          ...(event.notice === true ? { notice: true } : {}),
        },
        mode,
        at,
        ...(event.from.address.startsWith('+') ? { parts: 1, pricedBy: event.from.address.slice(1) } : {}),
        ...idsOf(event, scope),
        ...(event.reply === undefined ? {} : { replyTo: remoteIdOf(scope, event.reply) }),
        ...(reading.consentWords === true ? consentOf(event.text) : {}),
      };
    case 'edit':
    case 'retraction':
    case 'reaction':
      return {
        type: event.kind,
        ...placeOf(event, reading),
        ...ownershipOf(event),
        author: partyOf(event.from),
        target:
          event.bySender === true
            ? senderIdOf(event.conversation, event.target)
            : remoteIdOf(scope, event.target),
        mode,
        at,
        ...(event.kind === 'edit' ? { content: { text: event.text } } : {}),
        ...(event.kind === 'reaction' ? reactionOf(event) : {}),
      };
    case 'receipt':
      return {
        type: 'receipt',
        account,
        about:
          reading.receiptsById === true && event.id !== undefined
            ? { remoteId: remoteIdOf(scope, event.id) }
            : { wireId: event.wire },
        state: event.state,
        at,
        ...(event.id === undefined ? {} : { remoteId: remoteIdOf(scope, event.id) }),
        ...(event.code === undefined ? {} : { failure: failure(event.code, event.detail) }),
      };
    case 'room':
      return {
        type: 'room',
        account,
        conversation: event.conversation,
        conversationKind: 'room',
        at,
        ...(event.joined === undefined ? {} : { joined: event.joined }),
        ...(event.topic === undefined ? {} : { topic: event.topic }),
        ...(event.act === undefined ? {} : { act: event.act }),
        ...(event.by === undefined ? {} : { by: partyOf(event.by) }),
        ...(event.detail === undefined ? {} : { detail: event.detail }),
        ...(event.code === undefined ? {} : { failure: failure(event.code, event.detail) }),
      };
    case 'identity':
      return {
        type: 'identity',
        account,
        party: partyOf(event.party),
        at,
        ...(event.formerly === undefined ? {} : { formerly: event.formerly }),
        ...(event.faceless === true ? { avatar: null } : {}),
      };
    case 'contact': {
      const { who, listed, name, groups, subscription, asks } = event;
      return {
        type: 'contact',
        account,
        party: partyOf(who),
        listed,
        groups,
        subscription,
        asks,
        awaited: false,
        at,
        ...(name === undefined ? {} : { name }),
      };
    }
    case 'read':
      return {
        type: 'read',
        account,
        conversation: event.conversation,
        upTo: event.last === undefined ? at : remoteIdOf(scope, event.last),
      };
    case 'departure':
      return { type: 'departure', account, address: event.address, at };
    case 'call': {
      const { call, who, direction, state, placed, mine, theirs } = event;
      return {
        type: 'call',
        account,
        conversation: who.address,
        conversationKind: 'direct',
        call: placed === true && isUuid(call) ? { placed: brand<'CallId'>(call) } : { remoteId: call },
        direction,
        party: partyOf(who),
        state,
        ...(mine && theirs ? { legs: { mine, theirs } } : {}),
        at,
      };
    }
    default:
      return unreachable(event);
  }
}

function placeOf(event: { readonly conversation: string; readonly room: boolean }, reading: Reading) {
  return {
    account: reading.account,
    conversation: event.conversation,
    conversationKind: event.room ? 'room' : 'direct',
  } as const;
}

function idsOf(
  { id, sid, unnamed, conversation }: Extract<LoopbackEvent, { kind: 'message' }>,
  scope: string,
) {
  const [remoteId, ...otherIds] = [
    ...(unnamed === true ? [] : [remoteIdOf(scope, id)]),
    ...(sid === undefined ? [] : [senderIdOf(conversation, sid)]),
  ];
  return { ...(remoteId && { remoteId }), ...(otherIds.length > 0 && { otherIds }) };
}

function ownershipOf(event: { readonly own?: boolean; readonly wire?: string }) {
  return { origin: originOf(event), ...(event.wire === undefined ? {} : { wireId: event.wire }) };
}

/** What a room can carry: the account's capabilities without those that the server says it lacks. */
export function withoutCapabilities(all: Capabilities, without: readonly string[]): Capabilities {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
}
