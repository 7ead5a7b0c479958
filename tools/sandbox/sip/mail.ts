/* Messages as residents write and read them: plain, or with the headers that ask for a receipt (RFC 3862, 5438). */
import {
  contentOf,
  cpimHeader,
  cpimType,
  firstTextPart,
  imdnAskOf,
  imdnHeaders,
  imdnType,
  isComposingType,
  readComposing,
  readCpim,
  readImdn,
  readText,
  writeComposing,
  writeCpim,
  writeImdn,
  type Disposition,
  type Imdn,
  type SipRequest,
} from '#protocols/sip';
import { uriOf } from './requests.js';

/** What a message says. */
export type Mail =
  | {
      readonly says: 'text';
      readonly text: string;
      readonly type: string;
      /** What is to be told of it, and by which name. */
      readonly asks?: {
        readonly messageId: string;
        readonly wants: ReadonlySet<Disposition>;
        readonly at: string;
      };
    }
  | { readonly says: 'receipt'; readonly receipt: Imdn }
  | { readonly says: 'typing'; readonly isActive: boolean }
  | { readonly says: 'nothing'; readonly status: 400 | 413 | 415; readonly why: string };

/** A body with its header fields. */
export interface Writing {
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @param takesCpim a phone that does not says 415 to all but text, as some do */
export function readMail({ headers, body }: SipRequest, takesCpim: boolean): Mail {
  const content = contentOf(headers, body);
  if ('fault' in content) return { says: 'nothing', status: content.status, why: content.fault };
  const { type } = content.type;
  if (!takesCpim && !type.startsWith('text/')) return { says: 'nothing', status: 415, why: type };
  if (type === isComposingType) {
    const composing = readComposing(content.bytes);
    if ('fault' in composing) return { says: 'nothing', status: 400, why: composing.fault };
    return { says: 'typing', isActive: composing.state === 'active' };
  }
  if (type !== cpimType) {
    const text = read(content);
    return typeof text === 'string' ? { says: 'text', text, type } : text;
  }
  const cpim = readCpim(content.bytes);
  if ('fault' in cpim) return { says: 'nothing', status: 400, why: cpim.fault };
  const inner = contentOf(cpim.content.headers, cpim.content.body);
  if ('fault' in inner) return { says: 'nothing', status: inner.status, why: inner.fault };
  if (inner.type.type === imdnType) {
    const receipt = readImdn(inner.bytes);
    if ('fault' in receipt) return { says: 'nothing', status: 400, why: receipt.fault };
    return { says: 'receipt', receipt };
  }
  const text = read(inner);
  if (typeof text !== 'string') return text;
  const { messageId, asks } = imdnAskOf(cpim);
  const at = cpimHeader(cpim, 'DateTime') ?? new Date().toISOString();
  return {
    says: 'text',
    text,
    type: cpimType,
    ...(messageId !== undefined && { asks: { messageId, wants: asks, at } }),
  };
}

function read(content: Parameters<typeof firstTextPart>[0]): string | Extract<Mail, { says: 'nothing' }> {
  const part = firstTextPart(content);
  if ('fault' in part) return { says: 'nothing', status: part.status, why: part.fault };
  const text = readText(part);
  return typeof text === 'string' ? text : { says: 'nothing', status: text.status, why: text.fault };
}

export function plain(text: string): Writing {
  return { fields: { 'content-type': 'text/plain;charset=UTF-8' }, body: Buffer.from(text) };
}

/** A text that asks to be told when it is delivered and shown. */
export function asking(from: string, to: string, text: string, messageId: string): Writing {
  return wrapped(from, to, { 'content-type': 'text/plain;charset=UTF-8' }, Buffer.from(text), [
    ...imdnHeaders(messageId, ['positive-delivery', 'negative-delivery', 'display']),
  ]);
}

/** The word on a message that asked for it. */
export function receipt(from: string, to: string, imdn: Imdn): Writing {
  const fields = { 'content-type': imdnType, 'content-disposition': 'notification' };
  return wrapped(from, to, fields, writeImdn(imdn), []);
}

export function typing(isActive: boolean): Writing {
  const body = writeComposing({ state: isActive ? 'active' : 'idle', contentType: 'text/plain' });
  return { fields: { 'content-type': isComposingType }, body };
}

function wrapped(
  from: string,
  to: string,
  fields: Readonly<Record<string, string>>,
  body: Buffer,
  more: Parameters<typeof writeCpim>[0]['headers'],
): Writing {
  const headers = [
    { name: 'From', value: `<${uriOf(from)}>` },
    { name: 'To', value: `<${uriOf(to)}>` },
    { name: 'DateTime', value: new Date().toISOString() },
    ...more,
  ];
  const content = { headers: new Map(Object.entries(fields)), body };
  return { fields: { 'content-type': cpimType }, body: writeCpim({ headers, content }) };
}
