/*
 * MESSAGE requests in (RFC 3428), events out. Pure: what a request says, whatever it is packed in. Nothing here throws:
 * what cannot be read is refused with the status that says why.
 */
import { createHash } from 'node:crypto';
import {
  mostIdBytes,
  parseWireId,
  type InboundMessage,
  type InboundParty,
  type InboundReceipt,
  type RemoteId,
} from '#connector';
import { failure, type AccountId, type Mode } from '#model';
import {
  acceptedEncodings,
  contentOf,
  cpimHeader,
  cpimType,
  firstTextPart,
  imdnAskOf,
  imdnType,
  isComposingType,
  parseCSeq,
  parseDate,
  parseNameAddr,
  readComposing,
  readCpim,
  readImdn,
  readText,
  tagOf,
  type Composing,
  type Content,
  type ContentFault,
  type Cpim,
  type Disposition,
  type SipRequest,
} from '#protocols/sip';
import { textOfHtml } from './html-text.js';
import { addressOf, partyOf, uriOf } from './sip.addresses.js';

/** What messages may be, for `Accept`. */
export const acceptedTypes = `text/plain, ${cpimType}, ${imdnType}, ${isComposingType}, text/html, multipart/mixed, multipart/alternative`;

/** CPIM within CPIM within CPIM is nobody's message. */
const mostLevels = 3;
/** A server keeps a message for those who are away, and says since when; nobody's clock is believed further back. */
const mostAgeMs = 30 * 86_400_000;
const mostSubject = 300;

/** Where a MESSAGE was heard. */
export interface MessageHearing {
  readonly account: AccountId;
  /** Of the account: where numbers without a domain are. */
  readonly domain: string;
  readonly now: Date;
  /** Whoever it is from, where somebody better than they says so; else its From. */
  readonly author?: InboundParty;
  /** Where it belongs; else the conversation with its author. */
  readonly conversation?: string;
  readonly mode?: Mode;
}

/** Somebody would like to be told what becomes of their message (RFC 5438). */
export interface ReceiptAsk {
  readonly messageId: string;
  /** Whom to tell: the URI of whoever it is from. */
  readonly to: string;
  /** Whom the message was for: our URI as they wrote it. */
  readonly from: string;
  /** When they said it, as they wrote it; RFC 3339. */
  readonly at: string;
  readonly asks: ReadonlySet<Disposition>;
}

export type Heard =
  | { readonly heard: 'message'; readonly event: InboundMessage; readonly ask?: ReceiptAsk }
  | {
      readonly heard: 'composing';
      readonly author: InboundParty;
      readonly conversation: string;
      readonly composing: Composing;
    }
  | { readonly heard: 'receipt'; readonly event: InboundReceipt }
  | { readonly heard: 'nothing' }
  | {
      readonly heard: 'unreadable';
      readonly status: 400 | 413 | 415;
      readonly reason: string;
      /** What to say with the refusal: what would be understood. */
      readonly headers: Readonly<Record<string, string>>;
    };

/** What a MESSAGE says. */
export function readMessage(request: SipRequest, how: MessageHearing): Heard {
  const author = how.author ?? partyOf(request.headers.get('from') ?? '', how.domain);
  if (author === undefined) return unreadable({ status: 400, fault: 'The From names nobody.' });
  const content = contentOf(request.headers, request.body);
  if ('fault' in content) return unreadable(content);
  return readContent(
    content,
    { ...how, request, author, conversation: how.conversation ?? author.address },
    0,
  );
}

interface Place extends MessageHearing {
  readonly request: SipRequest;
  readonly author: InboundParty;
  readonly conversation: string;
  /** The headers of its own that the message came in, and what they ask for. */
  readonly cpim?: Cpim;
}

function readContent(content: Content, place: Place, level: number): Heard {
  const { type } = content.type;
  switch (type) {
    case cpimType: {
      const cpim = readCpim(content.bytes);
      if ('fault' in cpim) return unreadable({ status: 400, ...cpim });
      if (level >= mostLevels) return unreadable({ status: 400, fault: 'The message is packed too often.' });
      const inner = contentOf(cpim.content.headers, cpim.content.body);
      return 'fault' in inner ? unreadable(inner) : readContent(inner, { ...place, cpim }, level + 1);
    }
    case imdnType:
      return readReceipt(content, place);
    case isComposingType: {
      const composing = readComposing(content.bytes);
      if ('fault' in composing) return unreadable({ status: 400, ...composing });
      return { heard: 'composing', author: place.author, conversation: place.conversation, composing };
    }
    default:
      return readWords(content, place);
  }
}

function readWords(content: Content, place: Place): Heard {
  const part = firstTextPart(content);
  if ('fault' in part) return unreadable(part);
  if (!part.type.type.startsWith('text/')) {
    return unreadable({ status: 415, fault: 'Messages of that type are not understood.' });
  }
  const said = readText(part);
  if (typeof said !== 'string') return unreadable(said);
  const words = part.type.type === 'text/html' ? textOfHtml(said) : said;
  const subject = subjectOf(place);
  const text =
    subject === '' || subject === words.trim() ? words : [subject, words].filter(Boolean).join('\n');
  // An empty one keeps a way through a firewall open.
  if (text.trim() === '') return { heard: 'nothing' };
  const ask = askOf(place);
  return { heard: 'message', event: eventOf(text, place), ...(ask && { ask }) };
}

function eventOf(text: string, place: Place): InboundMessage {
  const { account, author, conversation, mode = 'live', cpim } = place;
  const messageId = cpim && imdnAskOf(cpim).messageId;
  return {
    type: 'message',
    account,
    conversation,
    conversationKind: 'direct',
    author,
    content: { text },
    origin: 'remote',
    mode,
    at: atOf(place),
    remoteId: requestId(place.request),
    ...(messageId !== undefined && isId(messageId) && { otherIds: [imdnId(messageId)] }),
  };
}

/**
 * By what one MESSAGE is told from another, on whatever way it comes (RFC 3261 §8.2.2.2). Call-ID alone is not enough: all
 * of a sender's messages may bear one.
 */
function requestId({ headers }: SipRequest): RemoteId {
  const parts = [
    headers.get('call-id'),
    parseCSeq(headers.get('cseq') ?? '')?.number,
    tagOf(headers.get('from')),
  ];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  return { scope: 'sip', id: hash, by: 'sender' };
}

/** The id that a sender chose for notifications to name a message by. */
function imdnId(id: string): RemoteId {
  return { scope: 'imdn', id, by: 'sender' };
}

function isId(text: string): boolean {
  return Buffer.byteLength(text) <= mostIdBytes - 'imdn'.length;
}

/** As XMPP's `<subject/>` (RFC 7572 §4): said before the words. */
function subjectOf({ request, cpim }: Place): string {
  const subject = (cpim && cpimHeader(cpim, 'Subject')) ?? request.headers.get('subject') ?? '';
  return subject.trim().slice(0, mostSubject);
}

/** When it was said: by the server that kept it, else by its sender; now, where neither makes sense. */
function atOf({ request, cpim, now }: Place): Date {
  const said = parseDate(request.headers.get('date') ?? '') ?? saidAt(cpim);
  const age = said === undefined ? 0 : now.getTime() - said.getTime();
  return said !== undefined && age > 0 && age < mostAgeMs ? said : now;
}

function saidAt(cpim: Cpim | undefined): Date | undefined {
  const written = (cpim && cpimHeader(cpim, 'DateTime')) ?? '';
  const at = /^\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)$/.test(written)
    ? new Date(written)
    : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}

/** Nobody is told who has not said what their message is called (RFC 5438 §7.2.1.1), or who they are. */
function askOf({ request, cpim, now, author, domain }: Place): ReceiptAsk | undefined {
  const ask = cpim && imdnAskOf(cpim);
  const said = parseNameAddr(request.headers.get('from') ?? '')?.uri;
  // Nobody has us tell somebody else: their From may not be who they are.
  const to = said !== undefined && addressOf(said, domain) === author.address ? said : uriOf(author.address);
  const from = parseNameAddr(request.headers.get('to') ?? '')?.uri;
  if (ask?.messageId === undefined || ask.asks.size === 0 || from === undefined) return undefined;
  return { messageId: ask.messageId, asks: ask.asks, to, from, at: (saidAt(cpim) ?? now).toISOString() };
}

/** A notification of ours, by the id that is our wire id; of another device's, by theirs. */
function readReceipt({ bytes }: Content, { account, now }: Place): Heard {
  const imdn = readImdn(bytes);
  if ('fault' in imdn) return unreadable({ status: 400, ...imdn });
  const { messageId, status } = imdn;
  const state = ({ delivered: 'delivered', displayed: 'read', failed: 'failed' } as const)[
    status as 'failed'
  ] as 'delivered' | 'read' | 'failed' | undefined;
  // That it is stored somewhere, or that they will not say, changes nothing.
  if (state === undefined || !isId(messageId)) return { heard: 'nothing' };
  return {
    heard: 'receipt',
    event: {
      type: 'receipt',
      account,
      about: parseWireId(messageId) ? { wireId: messageId } : { remoteId: imdnId(messageId) },
      state,
      ...(state === 'failed' && {
        failure: failure('unknown', 'Their side says that it could not be delivered.'),
      }),
      at: now,
    },
  };
}

function unreadable({ status, fault }: ContentFault): Heard {
  return {
    heard: 'unreadable',
    status,
    reason: fault.replace(/\.$/, ''),
    // RFC 3261 §21.4.13.
    headers: status === 415 ? { accept: acceptedTypes, 'accept-encoding': acceptedEncodings } : {},
  };
}
