import type { FileId, MessageId } from './ids.js';

/** How a stretch of text is dressed. Offsets are UTF-16 code units, `end` exclusive; stretches may overlap. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly style: SpanStyle;
}

export type SpanStyle =
  | { readonly kind: 'bold' | 'italic' | 'underline' | 'strike' | 'monospace' | 'spoiler' | 'quote' }
  | { readonly kind: 'colour'; readonly foreground?: string; readonly background?: string }
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'mention'; readonly address: string };

/** A file that goes with a message, by reference: one that the house holds, or one that lies elsewhere. */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  /** Size in bytes, where known. */
  readonly size?: number;
  /** The file, where the house holds it. */
  readonly file?: FileId;
  /**
   * Where whoever has the address may fetch it. Always there on the way out; never kept with a message whose file the
   * house holds, because such an address is made for its recipient alone.
   */
  readonly url?: string;
}

/** What a person says: the part of a message that travels. */
export interface MessageContent {
  readonly text: string;
  readonly spans?: readonly Span[];
  /** `/me waves`: the text is an act of the author. */
  readonly emote?: boolean;
  /** A notice must never be answered by a machine (RFC 2812 §3.3.2). */
  readonly notice?: boolean;
  readonly attachments?: readonly Attachment[];
  readonly replyTo?: MessageId;
  /** Said to some members of a room only: the network's own mark for them (IRC: `@`, its operators). */
  readonly audience?: string;
}

/** Who spoke: somebody else, we through Parley, or we through another client of the same account. */
export type Origin = 'remote' | 'own' | 'other-device';

/** When it was learnt: as it happened, while catching up after an absence, or from a network's archive. History never notifies. */
export type Mode = 'live' | 'catch-up' | 'history';

export type ConversationKind = 'direct' | 'room';
