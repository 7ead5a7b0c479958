/*
 * How the loopback network calls us: a POST of JSON, signed with a key that both know. The signature is made over the
 * public URL and the body, so that what was signed for one account is nothing to another.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { InboundMessage, Ingress, IngressOutcome, JsonObject, RawRequest } from '#connector';
import type { AccountId } from '#model';
import { remoteIdOf } from './from-loopback.js';
import { isCanonical, kindOf } from './loopback.addresses.js';

export const signatureHeader = 'x-loopback-signature';

/** What one call says. */
export interface WebhookCall {
  readonly id: string;
  readonly from: string;
  readonly text: string;
}

/** HMAC-SHA-256 over the URL, a line end and the body, in hex. */
export function signatureOf(key: string, url: string, body: string | Buffer): string {
  return createHmac('sha256', key).update(`${url}\n`).update(body).digest('hex');
}

/** Verifies and reads one call: pure. Without a key nobody may call. */
export function readWebhook(request: RawRequest, { secrets }: Ingress): IngressOutcome {
  const key = secrets['webhookKey'];
  if (request.method !== 'POST') return refused(405);
  if (key === undefined || !isSigned(request, key)) return refused(403);
  const call = callOf(request.body);
  if (!call) return refused(400);
  const item = { ...call, at: request.at.getTime() };
  return { outcome: 'accepted', items: [{ id: call.id, item }], answer: { status: 204 } };
}

/** What a stored call says, as the house takes it in; undefined where it is none of ours. */
export function messageOf(item: JsonObject, account: AccountId, scope: string): InboundMessage | undefined {
  const { id, from, text, at } = item;
  if (typeof id !== 'string' || typeof from !== 'string' || typeof text !== 'string') return undefined;
  if (typeof at !== 'number') return undefined;
  return {
    type: 'message',
    account,
    conversation: from,
    conversationKind: 'direct',
    author: { address: from, kind: kindOf(from) },
    content: { text },
    origin: 'remote',
    mode: 'live',
    at: new Date(at),
    remoteId: remoteIdOf(scope, `webhook ${id}`),
  };
}

function isSigned({ url, body, headers }: RawRequest, key: string): boolean {
  const given = Buffer.from(headers[signatureHeader] ?? '');
  const right = Buffer.from(signatureOf(key, url, body));
  return given.length === right.length && timingSafeEqual(given, right);
}

function callOf(body: Buffer): WebhookCall | undefined {
  try {
    const { id, from, text } = JSON.parse(body.toString('utf8')) as Partial<Record<string, unknown>>;
    if (typeof id !== 'string' || id === '' || id.length > 200) return undefined;
    if (typeof from !== 'string' || !isCanonical(from) || from.startsWith('#')) return undefined;
    return typeof text === 'string' ? { id, from, text } : undefined;
  } catch {
    return undefined;
  }
}

function refused(status: number): IngressOutcome {
  return { outcome: 'refused', answer: { status } };
}
