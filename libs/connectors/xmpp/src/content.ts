/*
 * What a message says: its words in the best of its languages, how they are dressed, whether they are an act, and the
 * files that go with them. What is in it only for clients that cannot show it otherwise is taken out (XEP-0428).
 */
import type { Attachment, MessageContent } from '#model';
import type { Element } from './core/xml.js';
import { oobsIn } from './xep/0066.js';
import { isUnstyled, spansOf } from './xep/0393.js';
import { fallbackIn, without } from './xep/0428.js';
import { fileSharingNs, sharedFilesIn, type SharedFile } from './xep/0447.js';
import { replyIn, replyNs } from './xep/0461.js';
import { childrenOf } from './xep/reading.js';

/** XEP-0245: the text is an act of whoever says it. */
const act = '/me ';
/** What stands for words that only the other's own devices can read (OMEMO, OpenPGP): it says so without a body. */
const encryptedNs = new Set([
  'urn:xmpp:eme:0',
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'jabber:x:encrypted',
]);
const unreadable = 'This message is encrypted, and cannot be read here.';

/**
 * What a message says; undefined where it says nothing.
 * @param notice no machine may answer it.
 */
export function contentOf(message: Element, notice: boolean): MessageContent | undefined {
  const ns = message.attrs['xmlns'];
  const attachments = filesIn(message);
  const words = wordsIn(message, attachments);
  const subject =
    message.attrs['type'] === 'groupchat' ? '' : (message.getChild('subject', ns)?.getText().trim() ?? '');
  const emote = words.startsWith(act);
  const said = emote ? words.slice(act.length) : [subject, words].filter((part) => part !== '').join('\n');
  const text = said === '' && attachments.length === 0 && isEncrypted(message) ? unreadable : said;
  if (text === '' && attachments.length === 0) return undefined;
  const spans = isUnstyled(message) ? [] : spansOf(text);
  return {
    text,
    ...(spans.length > 0 && { spans }),
    ...(emote && { emote: true }),
    ...(notice && { notice: true }),
    ...(attachments.length > 0 && { attachments }),
  };
}

/** The words of a message without what stands in for something else. */
function wordsIn(message: Element, attachments: readonly Attachment[]): string {
  let body = bodyOf(message);
  const answers = replyIn(message) === undefined ? undefined : fallbackIn(message, replyNs);
  if (answers !== undefined) body = without(body, answers);
  const shares = fallbackIn(message, fileSharingNs);
  if (shares !== undefined && attachments.length > 0) body = without(body, shares);
  return attachments.some(({ url }) => url === body.trim()) ? '' : body;
}

/** One of several bodies (RFC 6121 §5.2.3): in the message's own language, in none, in English, or the first. */
function bodyOf(message: Element): string {
  const ns = message.attrs['xmlns'] ?? '';
  const bodies = childrenOf(message, 'body', ns, 50);
  const own = message.attrs['xml:lang'];
  const inLanguage = (wanted: (lang: string | undefined) => boolean): Element | undefined =>
    bodies.find((body) => wanted(body.attrs['xml:lang']));
  const best =
    inLanguage((lang) => lang === undefined || lang === own) ??
    inLanguage((lang) => lang?.toLowerCase().startsWith('en') === true) ??
    bodies[0];
  return best?.getText() ?? '';
}

/** The files that go with a message, each once. Nobody has looked at them: what they are is what is said of them. */
function filesIn(message: Element): readonly Attachment[] {
  const files = new Map<string, SharedFile>(oobsIn(message).map((file) => [file.url, file]));
  for (const file of sharedFilesIn(message)) files.set(file.url, file);
  return [...files.values()].map(({ url, name, mediaType, size }) => ({
    name: name ?? nameIn(url),
    mediaType: mediaType ?? typeOf(url),
    url,
    ...(size !== undefined && { size }),
  }));
}

/** What a file is called by its address. */
export function nameIn(url: string): string {
  const last = URL.canParse(url) ? (new URL(url).pathname.split('/').at(-1) ?? '') : '';
  try {
    return (
      decodeURIComponent(last)
        .replace(/[\p{Cc}/\\]/gu, '')
        .slice(-255) || 'file'
    );
  } catch {
    return last.slice(-255) || 'file';
  }
}

/** Of the kinds of file that are shown where they stand, by the ends of their names. */
const types: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  m4a: 'audio/mp4',
  mp4: 'video/mp4',
  webm: 'video/webm',
  pdf: 'application/pdf',
  txt: 'text/plain',
};

function typeOf(url: string): string {
  const end = /\.([a-z0-9]{1,5})$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '';
  return (Object.hasOwn(types, end) ? types[end] : undefined) ?? 'application/octet-stream';
}

function isEncrypted(message: Element): boolean {
  return message.getChildElements().some((child) => encryptedNs.has(child.attrs['xmlns'] ?? ''));
}
