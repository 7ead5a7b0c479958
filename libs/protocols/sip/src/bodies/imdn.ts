/*
 * What became of a message, told by whoever got it (RFC 5438): asked for in CPIM headers, told in a small document.
 */
import { cpimHeader, cpimHeaders, type Cpim, type CpimHeader } from './cpim.js';
import type { Fault } from './fault.js';
import { momentOf } from './times.js';
import { readXml, writeXml, xmlChild, xmlElement, xmlElements, xmlText, type XmlElement } from './xml.js';

export const imdnType = 'message/imdn+xml';
/** The namespace of the headers, and of the documents. */
export const imdnNamespace = 'urn:ietf:params:imdn';
const documentNamespace = 'urn:ietf:params:xml:ns:imdn';
const mostId = 1_000;

const dispositions = ['positive-delivery', 'negative-delivery', 'display', 'processing'] as const;
/** What a sender would like to be told (§6.2). */
export type Disposition = (typeof dispositions)[number];

/** What a message asks for. Without an id of it nobody can be told (§7.1.1.2). */
export interface ImdnAsk {
  readonly messageId?: string;
  readonly asks: ReadonlySet<Disposition>;
}

/** Reads what a message asks for in its headers. */
export function imdnAskOf(cpim: Cpim): ImdnAsk {
  const messageId = cpimHeader(cpim, 'Message-ID', imdnNamespace)?.trim() ?? '';
  const words = cpimHeaders(cpim, 'Disposition-Notification', imdnNamespace)
    .flatMap((value) => value.split(','))
    .map((word) => word.trim());
  return {
    ...(messageId !== '' && messageId.length <= mostId && { messageId }),
    asks: new Set(dispositions.filter((one) => words.includes(one))),
  };
}

/** The headers of a message that asks. */
export function imdnHeaders(messageId: string, asks: Iterable<Disposition>): readonly CpimHeader[] {
  const wanted = [...asks];
  return [
    { ns: imdnNamespace, name: 'Message-ID', value: messageId },
    ...(wanted.length > 0
      ? [{ ns: imdnNamespace, name: 'Disposition-Notification', value: wanted.join(', ') }]
      : []),
  ];
}

const kinds = {
  delivery: ['delivered', 'failed', 'forbidden', 'error'],
  display: ['displayed', 'forbidden', 'error'],
  processing: ['processed', 'stored', 'forbidden', 'error'],
} as const;

export interface Imdn {
  readonly messageId: string;
  /** When the message was sent, by its own word. */
  readonly at?: Date;
  /** Whom it was for, a URI. */
  readonly recipient?: string;
  readonly kind: keyof typeof kinds;
  /** `forbidden`: they will not say. `error`: nobody knows. */
  readonly status: 'delivered' | 'displayed' | 'processed' | 'stored' | 'failed' | 'forbidden' | 'error';
}

/** Reads a notification. */
export function readImdn(bytes: Buffer): Imdn | Fault {
  const root = readXml(bytes);
  if ('fault' in root) return root;
  if (root.name !== 'imdn' || root.ns !== documentNamespace) {
    return { fault: 'The document is no notification of RFC 5438.' };
  }
  const text = (name: string): string | undefined => {
    const found = xmlChild(root, documentNamespace, name);
    return found && xmlText(found).trim();
  };
  const messageId = text('message-id') ?? '';
  if (messageId === '' || messageId.length > mostId) {
    return { fault: 'The notification does not say which message it is about.' };
  }
  const said = xmlElements(root).flatMap(statusOf)[0];
  if (said === undefined) return { fault: 'The notification does not say what became of the message.' };
  const at = momentOf(text('datetime'));
  const recipient = text('recipient-uri') ?? '';
  return {
    messageId,
    ...said,
    ...(at !== undefined && { at }),
    ...(recipient !== '' && { recipient }),
  };
}

function statusOf(element: XmlElement): readonly Pick<Imdn, 'kind' | 'status'>[] {
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[]).find(
    (one) => element.name === `${one}-notification` && element.ns === documentNamespace,
  );
  const status = xmlChild(element, documentNamespace, 'status');
  if (kind === undefined || status === undefined) return [];
  const word = xmlElements(status).find(({ ns }) => ns === documentNamespace)?.name;
  const known = kinds[kind].find((one) => one === word);
  return known === undefined ? [] : [{ kind, status: known }];
}

/** Writes a notification. */
export function writeImdn({ messageId, at, recipient, kind, status }: Imdn): Buffer {
  const child = (name: string, text: string | undefined) =>
    text === undefined ? undefined : xmlElement(documentNamespace, name, {}, [text]);
  const root = xmlElement(documentNamespace, 'imdn', {}, [
    child('message-id', messageId),
    child('datetime', at?.toISOString()),
    child('recipient-uri', recipient),
    xmlElement(documentNamespace, `${kind}-notification`, {}, [
      xmlElement(documentNamespace, 'status', {}, [xmlElement(documentNamespace, status)]),
    ]),
  ]);
  return Buffer.from(writeXml(root));
}
