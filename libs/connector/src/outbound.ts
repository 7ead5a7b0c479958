import type { AccountId, ConversationKind, EnvelopeId, EnvelopeKind, Failure, MessageContent } from '#model';
import type { RemoteId } from './inbound.js';

/** One act on its way out. */
export interface OutboundEnvelope {
  readonly id: EnvelopeId;
  readonly account: AccountId;
  readonly kind: EnvelopeKind;
  /** Where it goes: the conversation's address, as this connector normalised it. */
  readonly to: string;
  readonly conversationKind: ConversationKind;
  /** Its attachments each have a `url` that the recipient can fetch. */
  readonly content: MessageContent;
  /** What an edit, retraction, reaction or reply is about: all remote ids of the target's parts, as far as known. */
  readonly target?: {
    readonly remoteIds: readonly RemoteId[];
    readonly text: string;
    /** All that our side reacts with to it by now, for a network that must be told all of it at once. */
    readonly reactions?: readonly string[];
  };
  /** A reaction's emoji, and whether it is taken back. */
  readonly reaction?: { readonly emoji: string; readonly removed: boolean };
  /** 1 at the first attempt. */
  readonly attempt: number;
}

/**
 * The id that one part of an envelope bears on the wire (IRC label, XMPP origin-id, SIP Call-ID). Derived, so it is known
 * before the first byte leaves and is the same at every attempt. Letters, digits and one hyphen.
 */
export function wireIdOf(envelope: EnvelopeId, part: number): string {
  return `${envelope.replaceAll('-', '')}-${String(part)}`;
}

const wireId = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})-(\d{1,4})$/;

/** Reads a wire id back; undefined when the text is not one of ours. */
export function parseWireId(text: string): { envelope: EnvelopeId; part: number } | undefined {
  const found = wireId.exec(text);
  if (!found) return undefined;
  return { envelope: found.slice(1, 6).join('-') as EnvelopeId, part: Number(found[6]) };
}

/** A part that the network has, and the ids that it bears there, as `InboundMessage` has them. */
export interface SentPart {
  readonly remoteId?: RemoteId;
  readonly otherIds?: readonly RemoteId[];
}

/**
 * What became of a `send`.
 * - `sent`: the network has it, or (a network that never says) the bytes left without complaint. One entry per part.
 * - `pending`: it left; an echo, a receipt or the answer to a later ping will say more, as an inbound receipt.
 * - `later`: the network asked us to wait; nothing of it left.
 * - `refused`: it will not go; nothing of it stays to be tried.
 * - `unknown`: it may or may not have left, and nobody will say. The honest answer when a link drops in mid-send.
 */
export type SendOutcome =
  | { readonly outcome: 'sent'; readonly parts: readonly SentPart[] }
  | { readonly outcome: 'pending'; readonly parts: number }
  | { readonly outcome: 'later'; readonly retryAfterMs: number; readonly failure: Failure }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'unknown'; readonly failure: Failure };
