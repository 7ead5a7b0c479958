/*
 * What a network's law and courtesy say of a message before it is accepted: how it will be cut and counted, whom it is
 * priced by, whether it may go at all, and whether it may go now.
 */
import type { ConversationKind, Failure, MessageContent } from '#model';
import type { JsonObject } from './connector.js';

/** A message on its way out, before anything is stored of it. */
export interface AssessmentAsk {
  /** The conversation's address, canonical. */
  readonly to: string;
  readonly kind: ConversationKind;
  /** As the person wrote it, the gate passed. Attachments that are ours have no `url` yet. */
  readonly content: MessageContent;
  /** Of the account's link; they have passed the schema. */
  readonly settings: JsonObject;
  /** When it is to leave. */
  readonly at: Date;
}

export interface Assessment {
  /** In how many parts it will leave: what `SendOutcome` then names. At least 1. */
  readonly parts: number;
  /** How its text is written on the wire, in the network's own words: `GSM-7`. */
  readonly coding?: string;
  /** How many of the coding's units it takes in all, and how many its last part has room for beyond. */
  readonly units?: number;
  readonly unitsLeft?: number;
  /** What prices go by, one per recipient: numbers as digits, of which the longest known prefix counts. */
  readonly destinations: readonly string[];
  /** It may not go at all. */
  readonly failure?: Failure;
  /** Courtesy: not before this moment; with a sentence for the person that says why. A person may insist. */
  readonly notBefore?: { readonly at: Date; readonly why: string };
}
