/* What we say, as a text for phones. Pure. */
import type { OutboundEnvelope } from '#connector';
import { failure, type Attachment, type Failure, type MessageContent } from '#model';
import type { Submission } from './driver.js';
import { endsOf } from './sms.addresses.js';

const unchangeable = failure(
  'unsupported',
  'What has been sent to a phone cannot be changed; say it in words.',
);
const nobody = failure('not-found', 'Nobody can be written to under that address; write to a phone number.');
const noNumber = failure('not-allowed', 'The account has no such number to send from.');
const nothing = failure('unsupported', 'There is no text in it.');

export interface Outgoing {
  /** Our numbers, as addresses write them; the first where nothing else is said. */
  readonly numbers: readonly string[];
  /** Whether the driver carries files; else their addresses go into the text. */
  readonly carriesMedia: boolean;
}

/** The text of an envelope, or why there is none. */
export function submissionOf(
  envelope: OutboundEnvelope,
  { numbers, carriesMedia }: Outgoing,
): Submission | Failure {
  if (envelope.kind !== 'message') return unchangeable;
  const { peers, own = numbers[0] } = endsOf(envelope.to);
  if (peers.length === 0) return nobody;
  if (own === undefined || !numbers.includes(own)) return noNumber;
  const { attachments = [] } = envelope.content;
  const files = attachments.filter(hasUrl);
  const media = carriesMedia ? files : [];
  const links = carriesMedia ? [] : files.map(({ name, url }) => `${name} ${url}`);
  const text = textOf(envelope.content, links);
  if (text === '' && media.length === 0) return nothing;
  return { envelope: envelope.id, from: own, to: peers, text, media };
}

/** What of a message is text, with the addresses of its files where they do not go beside it. */
export function textOf({ text, emote }: MessageContent, links: readonly string[]): string {
  const said = emote === true ? `* ${text}` : text;
  return [...(said === '' ? [] : [said]), ...links].join('\n');
}

function hasUrl(attachment: Attachment): attachment is Attachment & { readonly url: string } {
  return attachment.url !== undefined;
}
