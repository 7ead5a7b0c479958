/*
 * Envelopes in, bodies of MESSAGE requests out. Pure. As plain text, or in CPIM with the wish to be told what becomes of it
 * (RFC 5438): whoever does not take the one gets the other.
 */
import { createHash } from 'node:crypto';
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { quoteOf } from '#connector/session';
import { failure, type Attachment, type Failure } from '#model';
import {
  cpimType,
  imdnHeaders,
  imdnType,
  isComposingType,
  writeComposing,
  writeCpim,
  writeImdn,
  type Composing,
  type CpimHeader,
} from '#protocols/sip';
import type { ReceiptAsk } from './from-sip.js';
import { addressOf, uriOf } from './sip.addresses.js';

/** Longest text that is taken, in bytes of UTF-8: what fits, with its headers, where servers hold a message in 64 KiB. */
export const mostText = 50_000;

const tooLarge = failure('too-large', 'SIP servers take no messages of that size.');
const nothing = failure('unsupported', 'There is nothing to say.');
const unchangeable = failure(
  'unsupported',
  'What has been sent over SIP cannot be changed; say it in words.',
);
const nobody = failure('not-found', 'That is no SIP address.');
const noUrl = failure('unsupported', 'A file has no address that others could fetch it from.');

/** How a message is to be said. */
export interface Manner {
  /** Our own URI. */
  readonly from: string;
  /** In CPIM, asking for notifications; else as plain text, of which nothing is told. */
  readonly cpim: boolean;
  readonly now: Date;
}

/** A body and the header fields that describe it. */
export interface OutgoingBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface OutgoingMessage extends OutgoingBody {
  /** What it is known by: in its Call-ID, its tag, and its id for notifications. */
  readonly wireId: string;
  /** The URI that it goes to. */
  readonly to: string;
}

/** The messages of an envelope, one for each of its parts; or why it cannot be said. */
export function messagesOf(envelope: OutboundEnvelope, manner: Manner): readonly OutgoingMessage[] | Failure {
  if (envelope.kind !== 'message') return unchangeable;
  // Measured before it is looked at: a megabyte is refused at once.
  if (Buffer.byteLength(envelope.content.text) > mostText) return tooLarge;
  const { attachments = [] } = envelope.content;
  if (!attachments.every(hasUrl)) return noUrl;
  const text = textOf(envelope, attachments);
  if (text === '') return nothing;
  const wireId = wireIdOf(envelope.id, 0);
  const to = uriOf(envelope.to);
  if (addressOf(to) === undefined) return nobody;
  return [{ wireId, to, ...(manner.cpim ? packed(text, wireId, to, manner) : plain(text)) }];
}

/** The words: a quotation of what is answered, the text, and the addresses of its files. */
function textOf({ content, target }: OutboundEnvelope, files: readonly FileWithUrl[]): string {
  const said = content.emote === true ? `* ${content.text}` : content.text;
  const quote = content.replyTo === undefined || said === '' ? '' : quoteOf(target?.text ?? '');
  const links = files.map(({ name, url }) => (url.endsWith(`/${name}`) ? url : `${name} ${url}`));
  return [...(said === '' ? [] : [quote + said]), ...links].join('\n');
}

type FileWithUrl = Attachment & { readonly url: string };

function hasUrl(attachment: Attachment): attachment is FileWithUrl {
  return attachment.url !== undefined;
}

const plainType = 'text/plain; charset=UTF-8';

function plain(text: string): OutgoingBody {
  return { headers: { 'content-type': plainType }, body: Buffer.from(text) };
}

function packed(text: string, wireId: string, to: string, { from, now }: Manner): OutgoingBody {
  return inCpim(
    [...ends(from, to, now), ...imdnHeaders(wireId, ['positive-delivery', 'negative-delivery', 'display'])],
    { 'content-type': plainType },
    Buffer.from(text),
  );
}

/** Whom it is from and for, and when it was said (RFC 3862 §4). */
function ends(from: string, to: string, at: Date): readonly CpimHeader[] {
  return [
    { name: 'From', value: `<${from}>` },
    { name: 'To', value: `<${to}>` },
    { name: 'DateTime', value: at.toISOString() },
  ];
}

function inCpim(
  headers: readonly CpimHeader[],
  described: Readonly<Record<string, string>>,
  body: Buffer,
): OutgoingBody {
  return {
    headers: { 'content-type': cpimType },
    body: writeCpim({ headers, content: { headers: new Map(Object.entries(described)), body } }),
  };
}

/** What became of somebody's message, for whoever asked (RFC 5438 §7.2.1). It asks for nothing itself. */
export function notificationOf(
  { messageId, to, from, at }: Pick<ReceiptAsk, 'messageId' | 'to' | 'from' | 'at'>,
  status: 'delivered' | 'displayed',
  now: Date,
): OutgoingBody {
  const said = new Date(at);
  const imdn = writeImdn({
    messageId,
    ...(!Number.isNaN(said.getTime()) && { at: said }),
    recipient: from,
    kind: status === 'delivered' ? 'delivery' : 'display',
    status,
  });
  return inCpim(
    [...ends(from, to, now), ...imdnHeaders(idOfNotification(messageId, status), [])],
    {
      'content-type': imdnType,
      'content-disposition': 'notification',
      'content-length': String(imdn.length),
    },
    imdn,
  );
}

/** A notification has an id of its own; the same notification has the same. */
function idOfNotification(messageId: string, status: string): string {
  return createHash('sha256').update(`${status} ${messageId}`).digest('hex').slice(0, 32);
}

/** Who is writing (RFC 3994). */
export function composingMessage(composing: Composing): OutgoingBody {
  return { headers: { 'content-type': isComposingType }, body: writeComposing(composing) };
}
