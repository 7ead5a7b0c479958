declare const kind: unique symbol;

/** An opaque id. The brand keeps a person's id out of a place that wants a message's. */
export type Id<K extends string> = string & { readonly [kind]: K };

export type WorkspaceId = Id<'WorkspaceId'>;
export type PersonId = Id<'PersonId'>;
export type InvitationId = Id<'InvitationId'>;
export type TokenId = Id<'TokenId'>;
export type WebSessionId = Id<'WebSessionId'>;
export type LinkId = Id<'LinkId'>;
export type AccountId = Id<'AccountId'>;
export type IdentityId = Id<'IdentityId'>;
export type ConversationId = Id<'ConversationId'>;
export type MessageId = Id<'MessageId'>;
export type EnvelopeId = Id<'EnvelopeId'>;
export type EnvelopePartId = Id<'EnvelopePartId'>;
export type EventId = Id<'EventId'>;
export type WorkerId = Id<'WorkerId'>;
export type CallId = Id<'CallId'>;
export type FileId = Id<'FileId'>;
export type FanOutId = Id<'FanOutId'>;
export type QuarantineId = Id<'QuarantineId'>;
export type GapId = Id<'GapId'>;

/** Gives raw text its brand. Only for text that is known to be such an id: a row's column, a checked parameter. */
export function brand<K extends string>(raw: string): Id<K> {
  return raw as Id<K>;
}

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the text has the shape of a UUID (RFC 9562), lower case. */
export function isUuid(text: string): boolean {
  return shape.test(text);
}

let lastTime = 0;
let counter = 0;

/**
 * A new UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then a 12-bit counter that keeps ids of one
 * process ascending within a millisecond (§6.2, method 1), then 62 random bits. Ascending ids keep index pages hot.
 */
export function newId<K extends string>(now: number = Date.now()): Id<K> {
  if (now > lastTime) {
    lastTime = now;
    counter = 0;
  } else if (++counter > 0xfff) {
    lastTime++;
    counter = 0;
  }
  const time = lastTime.toString(16).padStart(12, '0');
  const variant = ((randomWord() & 0x3fff_ffff) + 0x8000_0000).toString(16);
  const tail = randomWord().toString(16).padStart(8, '0');
  return brand<K>(
    `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant.slice(0, 4)}-${variant.slice(4)}${tail}`,
  );
}

/** To ask for random bits costs more than all else of an id: they are taken a thousand words at a time. */
const words = new Uint32Array(1_024);
let used = words.length;

function randomWord(): number {
  if (used === words.length) {
    crypto.getRandomValues(words);
    used = 0;
  }
  return words[used++] ?? 0;
}
