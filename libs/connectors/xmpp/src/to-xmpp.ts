/*
 * Envelopes in, stanzas out. Pure: how an envelope is said, given what we have of its files and of the place it goes to.
 * Every stanza of it bears a wire id, as the stanza's own id and as the one made to last (XEP-0359), and one alone.
 */
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { quoteOf } from '#connector/session';
import { failure, type Attachment, type Failure, type MessageContent, type Span } from '#model';
import { nameIn } from './content.js';
import { fits, xml, type Element } from './core/xml.js';
import { chosenIdsOf, idsGivenBy } from './remote-ids.js';
import { privately } from './xep/0045.js';
import { oob } from './xep/0066.js';
import { chatState } from './xep/0085.js';
import { receiptAsk } from './xep/0184.js';
import { correcting } from './xep/0308.js';
import { markable } from './xep/0333.js';
import { hint } from './xep/0334.js';
import { originId } from './xep/0359.js';
import { styledBody, unstyled } from './xep/0393.js';
import { retracting } from './xep/0424.js';
import { fallbackFor } from './xep/0428.js';
import { reacting } from './xep/0444.js';
import { fileSharingNs, sharingFile } from './xep/0447.js';
import { replying, replyNs } from './xep/0461.js';

/** Longest text that is taken, in bytes of UTF-8, where a server takes longer stanzas than that. */
export const mostText = 50_000;

const tooLarge = failure('too-large', 'The server takes no messages of that size.');

/** What is known of the place that an envelope goes to. */
export interface Manner {
  /** It goes to somebody in a room, in private. */
  readonly inPrivate: boolean;
  /** Longest stanza that the server takes, in bytes: it ends the stream of who sends more (RFC 6120 §13.12). */
  readonly maxBytes: number;
}

/** The stanzas of an envelope, one for each of its parts and in their order; or why it cannot be said. */
export function stanzasOf(envelope: OutboundEnvelope, manner: Manner): readonly Element[] | Failure {
  const parts = partsOf(envelope, manner);
  if ('code' in parts) return parts;
  const isRoom = envelope.conversationKind === 'room';
  const stanzas = parts.map((children, part) => {
    const id = wireIdOf(envelope.id, part);
    return xml(
      'message',
      { to: envelope.to, type: isRoom ? 'groupchat' : 'chat', id },
      ...children,
      originId(id),
      manner.inPrivate ? privately() : undefined,
    );
  });
  return stanzas.every((stanza) => fits(stanza, manner.maxBytes)) ? stanzas : tooLarge;
}

type Part = readonly (Element | undefined)[];

function partsOf(envelope: OutboundEnvelope, manner: Manner): readonly Part[] | Failure {
  // Measured before it is looked at: a megabyte is refused at once.
  if (Buffer.byteLength(envelope.content.text) > mostText) return tooLarge;
  switch (envelope.kind) {
    case 'message':
      return saying(envelope, manner);
    case 'edit': {
      const [id] = chosenIdsOf(envelope.target?.remoteIds ?? []);
      if (id === undefined) return nameless;
      return [[...wordsOf(envelope.content), correcting(id), ...wishes(envelope, manner)]];
    }
    case 'retraction': {
      const ids = namesOf(envelope);
      if (ids.length === 0) return nameless;
      return ids.map((id) => [...retracting(id), hint('store')]);
    }
    case 'reaction': {
      const [id] = namesOf(envelope);
      const { reaction, target } = envelope;
      if (reaction === undefined) return failure('unsupported', 'There is no reaction in it.');
      if (id === undefined) return nameless;
      const all = target?.reactions ?? (reaction.removed ? [] : [reaction.emoji]);
      return [[reacting(id, all), hint('store')]];
    }
  }
}

const nameless = failure('not-found', 'The message bears no id here by which others would know it.');

/** What others know a message by: in a room the id that the room gave it, else the one that its sender chose (XEP-0461 §4.1). */
function namesOf({ to, conversationKind, target }: OutboundEnvelope): readonly string[] {
  const ids = target?.remoteIds ?? [];
  return conversationKind === 'room' ? idsGivenBy(to, ids) : chosenIdsOf(ids);
}

/** The words first, if there are any, then each file by itself: clients take an address for a file only if nothing else is said. */
function saying(envelope: OutboundEnvelope, manner: Manner): readonly Part[] | Failure {
  const { content } = envelope;
  const { attachments = [] } = content;
  if (attachments.some(({ url }) => url === undefined)) {
    return failure('unsupported', 'A file has no address that others could fetch it from.');
  }
  const files = attachments.map((file) => [...fileOf(file), ...wishes(envelope, manner)]);
  if (content.text === '')
    return files.length > 0 ? files : failure('unsupported', 'There is nothing to say.');
  return [[...answering(envelope), ...wishes(envelope, manner)], ...files];
}

/** The words, with what they answer. */
function answering(envelope: OutboundEnvelope): Part {
  const { content, target } = envelope;
  if (content.replyTo === undefined || content.emote === true) return wordsOf(content);
  const quote = quoteOf(target?.text ?? '');
  const [id] = namesOf(envelope);
  const words = wordsOf(content, quote);
  if (id === undefined) return words;
  const range = { start: 0, end: Array.from(quote).length };
  return [...words, replying({ id }), quote === '' ? undefined : fallbackFor(replyNs, range)];
}

/** A text with its marks, as an act where it is one, behind a quotation where there is one. */
function wordsOf({ text, spans = [], emote }: MessageContent, quote = ''): Part {
  const before = emote === true ? '/me ' : quote;
  const { body, unstyled: plain } = styledBody(text, spans.filter(isWithin(text)));
  return [xml('body', {}, before + body), plain ? unstyled() : undefined];
}

const isWithin =
  (text: string) =>
  ({ start, end }: Span): boolean =>
    start >= 0 && start < end && end <= text.length;

/**
 * A file by its address: as XEP-0066 has it, which all clients know, and with what is known of it (XEP-0447). The words are
 * the address alone, which clients show as the file, unless it does not tell what the file is called.
 */
function fileOf({ name, mediaType, size, url = '' }: Attachment): Part {
  return [
    xml('body', {}, nameIn(url) === name ? url : `${name}: ${url}`),
    oob(url),
    sharingFile({ url, name, mediaType, ...(size !== undefined && { size }) }),
    fallbackFor(fileSharingNs),
  ];
}

/** What we would like to be told of it: that it came and was read. A room tells nobody's. */
function wishes({ conversationKind }: OutboundEnvelope, { inPrivate }: Manner): Part {
  if (conversationKind === 'room') return [markable()];
  return [inPrivate ? undefined : receiptAsk(), markable(), chatState('active')];
}
