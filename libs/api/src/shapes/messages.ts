import type {
  AccountId,
  ConversationId,
  EnvelopeId,
  FileId,
  Id,
  IdentityId,
  MessageId,
  PersonId,
} from '#model';
import { z } from 'zod';
import {
  EnvelopeKindWord,
  EnvelopeStateWord,
  ErrorCodeWord,
  MessageKind,
  ModeWord,
  OriginWord,
  PlainStyleWord,
  WaitReasonWord,
} from '../words.js';
import {
  AddressText,
  Amount,
  Cursor,
  idOf,
  maxRecipients,
  maxTextLength,
  Position,
  text,
  Time,
  TimeIn,
  Version,
} from '../values.js';
import { Failure } from './problem.js';

/** How a stretch of text is dressed. */
export const SpanStyle = z.discriminatedUnion('kind', [
  z.object({ kind: PlainStyleWord }),
  z.object({
    kind: z.literal('colour'),
    foreground: z.string().max(64).exactOptional(),
    background: z.string().max(64).exactOptional(),
  }),
  z.object({ kind: z.literal('link'), url: z.string().min(1).max(2_048) }),
  z.object({ kind: z.literal('mention'), address: z.string().min(1).max(1_024) }),
]);
export type SpanStyle = z.output<typeof SpanStyle>;

/** A dressed stretch of the text: UTF-16 code units, `end` exclusive; stretches may overlap. */
export const Span = z.object({ start: z.int().min(0), end: z.int().min(0), style: SpanStyle });
export type Span = z.output<typeof Span>;

const fileFacts = {
  name: z.string().min(1).max(255),
  mediaType: z.string().min(1).max(255),
  /** Bytes, where known. */
  size: z.int().min(0).exactOptional(),
};
const FileUrl = z.url({ protocol: /^https?$/ }).max(2_048);

/** A file that goes with a message: one of ours by its id (`GET /v1/files/{id}`), or one elsewhere by its address. */
export const Attachment = z.object({
  ...fileFacts,
  file: idOf<FileId>().exactOptional(),
  url: FileUrl.exactOptional(),
});
export type Attachment = z.output<typeof Attachment>;

/** Who spoke, as known now: `version` is the identity's, so that a newer name wins. */
export const Author = z.object({
  identity: idOf<IdentityId>(),
  name: z.string().nullable(),
  address: z.string(),
  version: Version,
});
export type Author = z.output<typeof Author>;

/** One reaction of one author: an identity, or a person of ours through the conversation's account. */
export const Reaction = z.object({
  emoji: z.string(),
  identity: idOf<IdentityId>().nullable(),
  person: idOf<PersonId>().nullable(),
});
export type Reaction = z.output<typeof Reaction>;

const envelopeHead = {
  id: idOf<EnvelopeId>(),
  kind: EnvelopeKindWord,
  state: EnvelopeStateWord,
  /** What it waits for, while it waits. */
  waitsFor: WaitReasonWord.nullable(),
  /** Why it failed, or why nobody can tell. */
  failure: Failure.nullable(),
  /** Why it waits, in a sentence, where that is not plain: who holds it, or whom it would disturb now. */
  why: z.string().exactOptional(),
  /** In how many parts its network counts it, by what is known by now; absent where it counts none. */
  partCount: z.int().exactOptional(),
  /** What it costs by now: nothing of what was paid back. Absent where no price is known. */
  price: Amount.exactOptional(),
  /** ISO 4217, of the price. */
  currency: z.string().exactOptional(),
  version: Version,
};

/** An envelope as its message shows it. */
export const EnvelopeSummary = z.object(envelopeHead);
export type EnvelopeSummary = z.output<typeof EnvelopeSummary>;

/** One part of an envelope: what one act became on the wire. */
export const EnvelopePart = z.object({
  part: z.int().min(0),
  state: EnvelopeStateWord,
  remoteId: z.string().nullable(),
  code: ErrorCodeWord.nullable(),
});
export type EnvelopePart = z.output<typeof EnvelopePart>;

/** One outbound act on one account. */
export const Envelope = z.object({
  ...envelopeHead,
  message: idOf<MessageId>(),
  conversation: idOf<ConversationId>(),
  account: idOf<AccountId>(),
  attempts: z.int().min(0),
  dueAt: Time,
  expiresAt: Time,
  retryAt: Time.nullable(),
  /** Which way it goes, and why. */
  route: z.object({ account: idOf<AccountId>(), address: z.string(), why: z.string() }).nullable(),
  parts: z.array(EnvelopePart),
});
export type Envelope = z.output<typeof Envelope>;

/** One utterance, stored. */
export const Message = z.object({
  id: idOf<MessageId>(),
  conversation: idOf<ConversationId>(),
  account: idOf<AccountId>(),
  /** Its event's place in the log: what a read mark points at. */
  cursor: Cursor,
  /** Its place in the conversation: sorts as text. */
  position: Position,
  /** Null where the account itself spoke. */
  author: Author.nullable(),
  /** The person who sent it through Parley. */
  person: idOf<PersonId>().nullable(),
  origin: OriginWord,
  mode: ModeWord,
  kind: MessageKind,
  /** Empty once it is retracted or erased. */
  text: z.string(),
  spans: z.array(Span),
  emote: z.boolean(),
  notice: z.boolean(),
  attachments: z.array(Attachment),
  replyTo: idOf<MessageId>().nullable(),
  /** Said to some members of a room only: the network's own mark for them (IRC: `@`, its operators). */
  audience: z.string().nullable(),
  reactions: z.array(Reaction),
  /** The network's time. */
  at: Time,
  storedAt: Time,
  editedAt: Time.nullable(),
  retractedAt: Time.nullable(),
  erased: z.boolean(),
  envelopes: z.array(EnvelopeSummary),
  version: Version,
});
export type Message = z.output<typeof Message>;

/** A stretch of time of which nothing is known. */
export const Gap = z.object({ from: Time, until: Time, reason: z.string() });
export type Gap = z.output<typeof Gap>;

/** What a message may bring: a file that was uploaded (`POST /v1/files`), or one that lies elsewhere. */
const AttachmentIn = z.union([
  z.strictObject({ file: idOf<FileId>() }),
  z.strictObject({ ...fileFacts, url: FileUrl }),
]);
export type AttachmentIn = z.output<typeof AttachmentIn>;

const MessageText = text(1, maxTextLength);
const Spans = z.array(Span.strict()).max(1_000);

interface Dressed {
  readonly text?: string | undefined;
  readonly spans?: readonly Span[] | undefined;
}

/** Stretches lie within the text and have a length. */
function checkSpans(body: Dressed, context: z.RefinementCtx): void {
  for (const [index, span] of (body.spans ?? []).entries()) {
    if (span.start >= span.end || span.end > (body.text?.length ?? 0)) {
      context.addIssue({ code: 'custom', path: ['spans', index], message: 'lies outside the text' });
    }
  }
}

/** Says something: a text, a file, or both. */
function checkSaying(
  body: Dressed & { readonly attachments?: readonly unknown[] | undefined },
  context: z.RefinementCtx,
): void {
  checkSpans(body, context);
  if (body.text === '' && (body.attachments ?? []).length === 0) {
    context.addIssue({
      code: 'custom',
      path: ['text'],
      message: 'must not be empty where no file goes along',
    });
  }
}

/** It leaves now, even where courtesy would have it wait (the recipient’s night). What the law forbids stays forbidden. */
const urgent = z.boolean().exactOptional();

const content = {
  /** May be left out where a file goes along. */
  text: text(0, maxTextLength).default(''),
  spans: Spans.exactOptional(),
  /** `/me`: the text is an act of the author. */
  emote: z.boolean().exactOptional(),
  /** Must never be answered by a machine. */
  notice: z.boolean().exactOptional(),
  /** To some members of a room only: the network's own mark for them. */
  audience: z.string().min(1).max(16).exactOptional(),
  attachments: z.array(AttachmentIn).max(20).exactOptional(),
};

export const SendMessageBody = z
  .strictObject({
    ...content,
    replyTo: idOf<MessageId>().exactOptional(),
    /** Not before this moment. */
    scheduleAt: TimeIn.exactOptional(),
    urgent,
  })
  .superRefine(checkSaying);
export type SendMessageBody = z.output<typeof SendMessageBody>;

/** To whom: a conversation, an address on one account, or (not yet carried: it is refused as `unsupported`) a contact. */
export const Recipient = z.union([
  z.strictObject({ conversation: idOf<ConversationId>() }),
  z.strictObject({ account: idOf<AccountId>(), address: AddressText }),
  z.strictObject({ contact: idOf<Id<'ContactId'>>() }),
]);
export type Recipient = z.output<typeof Recipient>;

export const SendMessagesBody = z
  .strictObject({
    to: z.array(Recipient).min(1).max(maxRecipients),
    ...content,
    /** The account that shall carry it. */
    via: idOf<AccountId>().exactOptional(),
    scheduleAt: TimeIn.exactOptional(),
    urgent,
  })
  .superRefine(checkSaying);
export type SendMessagesBody = z.output<typeof SendMessagesBody>;

/** What is to be quoted: what would be sent. */
export const QuoteBody = SendMessagesBody.clone();
export type QuoteBody = SendMessagesBody;

/** What became of one recipient: a message of its own, or a reason why there is none. */
export const SendResult = z.union([
  z.object({ to: Recipient, message: Message }),
  z.object({ to: Recipient, failure: Failure }),
]);
export type SendResult = z.output<typeof SendResult>;

/** One result per recipient, in the order asked. */
export const SendMessagesAnswer = z.object({ results: z.array(SendResult) });
export type SendMessagesAnswer = z.output<typeof SendMessagesAnswer>;

export const EditMessageBody = z
  .strictObject({ text: MessageText, spans: Spans.exactOptional(), urgent })
  .superRefine(checkSpans);
export type EditMessageBody = z.output<typeof EditMessageBody>;

export const RefuseEnvelopeBody = z.strictObject({ reason: text(1, 300).exactOptional() });
export type RefuseEnvelopeBody = z.output<typeof RefuseEnvelopeBody>;
