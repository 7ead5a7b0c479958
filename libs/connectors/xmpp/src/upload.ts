/*
 * Files on their way out (XEP-0363): put where our server keeps them for its people, so that whoever is sent the address
 * can fetch it, even if our own house cannot be reached from there. Where the server keeps none, the house's own address
 * of a file goes instead.
 */
import { request as requestInClear } from 'node:http';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { OutboundEnvelope, OutboundFile, SendOutcome } from '#connector';
import { lookupAmong, remember, socketFailure } from '#connector/session';
import { failure, type Attachment, type Failure, type FileId, type MessageContent } from '#model';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { slotAsk, slotOf, slotRefusalOf, uploadNs, uploadServiceOf, type UploadSlot } from './xep/0363.js';

/** How long a service may be silent while it takes a file. */
const silenceMs = 60_000;
/** Before a file that could not be put is tried again. */
const againMs = 10_000;
/** Files whose addresses are remembered, for an envelope that is tried again. */
const mostRemembered = 200;

/** A file has an address now, or why the envelope cannot go (yet). */
type Put = { readonly url: string } | Extract<SendOutcome, { readonly outcome: 'refused' | 'later' }>;

export class Uploads {
  readonly #parts: Parts;
  readonly #disco: Pick<Disco, 'service'>;
  /** Where files of envelopes lie by now, so that another try does not put them again. */
  readonly #put = new Map<string, string>();

  constructor(parts: Parts, disco: Pick<Disco, 'service'>) {
    this.#parts = parts;
    this.#disco = disco;
  }

  /** Whether something must be made ready before a content can be said. */
  isNeeded({ attachments = [] }: MessageContent): boolean {
    return attachments.some(({ file }) => file !== undefined);
  }

  /** How large a file our server takes: bytes, undefined where it does not say; or that it takes none. */
  async limit(): Promise<{ readonly maxBytes?: number } | undefined> {
    const service = await this.#service();
    return service && uploadServiceOf(service.info);
  }

  /** The content with addresses that others can fetch its files from; or why it cannot go (yet). Never rejects. */
  async uploaded(
    envelope: OutboundEnvelope,
    signal: AbortSignal,
  ): Promise<{ readonly content: MessageContent } | SendOutcome> {
    const { content } = envelope;
    if (!this.isNeeded(content)) return { content };
    const service = await this.#service();
    const limit = service && uploadServiceOf(service.info);
    if (service === undefined || limit === undefined) return { content };
    const { maxBytes = Infinity } = limit;
    // Known before anything is put: a message goes whole or not at all.
    if (content.attachments?.some(({ size = 0 }) => size > maxBytes) === true) return tooLarge(maxBytes);
    const attachments: Attachment[] = [];
    for (const attachment of content.attachments ?? []) {
      const put = await this.#one(envelope, attachment, service.jid, signal);
      if ('outcome' in put) return put;
      attachments.push({ ...attachment, url: put.url });
    }
    return { content: { ...content, attachments } };
  }

  async #service() {
    return this.#disco.service('store', 'file', uploadNs);
  }

  async #one(
    { id, account }: OutboundEnvelope,
    attachment: Attachment,
    service: string,
    signal: AbortSignal,
  ): Promise<Put> {
    const { file, url = '' } = attachment;
    const key = `${id} ${file ?? ''}`;
    const known = file === undefined ? url : this.#put.get(key);
    if (known !== undefined) return { url: known };
    const read = await this.#parts.context.files.read(account, file as FileId);
    // Whoever gets the house's own address may still be luckier than we were.
    if (read === undefined) return { url };
    const put = await this.#send(read, service, signal, url);
    if ('url' in put) remember(this.#put, key, put.url, mostRemembered);
    else closeContent(read);
    return put;
  }

  async #send(file: OutboundFile, service: string, signal: AbortSignal, instead: string): Promise<Put> {
    const { port, settings } = this.#parts;
    const ask = { type: 'get', to: service, payload: slotAsk(file), signal } as const;
    const answer = await port.iq(ask);
    if (!answer.ok) {
      const refusal = slotRefusalOf(answer.error);
      if (refusal?.refusal === 'too-large') return tooLarge(refusal.maxBytes);
      if (refusal?.refusal === 'later' || answer.failure.remedy === 'retry') {
        const at = refusal?.refusal === 'later' ? refusal.at.getTime() : 0;
        const wait = Math.max(againMs, at - this.#parts.context.clock.now());
        return { outcome: 'later', retryAfterMs: wait, failure: answer.failure };
      }
      // Not for us: the house's own address is as good as it gets.
      return { url: instead };
    }
    // A server on this machine alone is spoken to in clear, and may keep its files so.
    const slot = slotOf(answer.payload, settings.security === 'none');
    if (slot === undefined) return { url: instead };
    const why = await this.#transfer(file, slot, signal);
    return why ?? { url: slot.get };
  }

  /** Puts the bytes where the slot says. The host is judged like any other that a server has us connect to (law 9). */
  async #transfer(
    file: OutboundFile,
    { put }: UploadSlot,
    signal: AbortSignal,
  ): Promise<Extract<Put, { readonly outcome: string }> | undefined> {
    const { context, settings } = this.#parts;
    const url = new URL(put.url);
    const secure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const turn = await context.turn({ host, port: Number(url.port) || (secure ? 443 : 80) });
    if (turn.turn === 'closed') return later(failure('network-unreachable', 'The session is being closed.'));
    if (turn.turn === 'refused') return { outcome: 'refused', failure: turn.failure };
    const begin = secure ? request : requestInClear;
    const sent = begin(url, {
      method: 'PUT',
      headers: {
        ...Object.fromEntries(put.headers),
        'content-length': file.size,
        'content-type': file.mediaType,
      },
      lookup: lookupAmong(turn.addresses),
      ...(settings.caCertificate !== undefined && { ca: settings.caCertificate }),
      agent: false,
      signal,
    });
    try {
      const status = await statusOf(sent, file);
      if (status === 200 || status === 201) return undefined;
      if (status === 413) return tooLarge();
      const why = failure('refused', `The upload was answered with ${String(status)}.`);
      return status >= 500 || status === 429 ? later(why) : { outcome: 'refused', failure: why };
    } catch (error) {
      return later(socketFailure(error as Error & { code?: string }));
    } finally {
      sent.destroy();
    }
  }
}

/** Sends a file as the body of a request; its answer may come before all of it has left. */
async function statusOf(sent: ClientRequest, file: OutboundFile): Promise<number> {
  const answered = new Promise<IncomingMessage>((answer, fail) => {
    sent.once('response', answer).once('error', fail);
  });
  sent.setTimeout(silenceMs, () => sent.destroy(new Error('The service was silent for too long.')));
  const left = pipeline(Readable.from(file.content), sent);
  // Either ends it: a refusal while we send, or an error of ours before there can be an answer.
  left.catch(() => undefined);
  const response = await Promise.race([answered, left.then(async () => answered)]);
  response.resume();
  return response.statusCode ?? 0;
}

function closeContent({ content }: OutboundFile): void {
  void content[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}

function later(why: Failure): Extract<Put, { readonly outcome: 'later' }> {
  return { outcome: 'later', retryAfterMs: againMs, failure: why };
}

function tooLarge(maxBytes = Infinity): Extract<Put, { readonly outcome: 'refused' }> {
  const limit = Number.isFinite(maxBytes) ? `of at most ${String(maxBytes)} bytes` : 'that are smaller';
  return { outcome: 'refused', failure: failure('too-large', `The server takes files ${limit}.`) };
}
