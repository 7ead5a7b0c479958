/* The files of a text that came: fetched from the provider and handed to the house, never held in memory. */
import type { JsonObject, JsonValue } from '#connector';
import { fieldsOf } from '#connector/session';
import type { Attachment } from '#model';
import type { DriverParts } from '../driver.js';
import type { HttpClient } from './http.js';
import { wordIn } from './provider-ingress.js';

/** Where a file may lead on to before it comes. */
const mostHops = 4;
/** A file may not be there yet when we are told of it. */
const tries = 3;
const pauseMs = 1_000;
/** For one file. */
const patienceMs = 20_000;

/** What the house has, and what it has not in a line each. */
export interface Fetched {
  readonly attachments: readonly Attachment[];
  readonly missing: readonly string[];
}

export interface MediaParts extends Pick<DriverParts, 'context' | 'account'> {
  readonly http: HttpClient;
  /** Where our password may be shown: nowhere else, whatever a call says. */
  readonly origin: string;
  readonly authorization: () => Promise<string>;
}

/** Fetches files one after another. Never rejects. */
export async function fetchMedia(
  media: readonly JsonObject[],
  parts: MediaParts,
  signal: AbortSignal,
): Promise<Fetched> {
  const attachments: Attachment[] = [];
  const missing: string[] = [];
  for (const [n, file] of media.entries()) {
    const mediaType = wordIn(file, 'type');
    const name = nameOf(mediaType, n + 1);
    const attachment = await fetchOne(wordIn(file, 'url'), { name, mediaType }, parts, signal);
    if (attachment) attachments.push(attachment);
    else missing.push(`[${name}: the file could not be fetched]`);
  }
  return { attachments, missing };
}

/** The media that an item brings, as it was written down. */
export function mediaIn(item: JsonObject): readonly JsonObject[] {
  const { media } = item;
  return Array.isArray(media) ? media.map((one: JsonValue) => fieldsOf(one)) : [];
}

function nameOf(mediaType: string, n: number): string {
  const [, kind = 'file', sub = ''] = /^([a-z]+)\/([a-z0-9]+)/i.exec(mediaType) ?? [];
  const end = sub === 'jpeg' ? 'jpg' : sub === 'plain' ? 'txt' : sub;
  return `${kind}-${String(n)}${end === '' ? '' : `.${end}`}`;
}

async function fetchOne(
  url: string,
  about: { readonly name: string; readonly mediaType: string },
  parts: MediaParts,
  ending: AbortSignal,
): Promise<Attachment | undefined> {
  const { context, account } = parts;
  const late = new AbortController();
  const cancel = context.clock.after(patienceMs, () => {
    late.abort();
  });
  const signal = AbortSignal.any([ending, late.signal]);
  try {
    for (let attempt = 1; attempt <= tries && !signal.aborted; attempt++) {
      if (attempt > 1) await pause(parts, signal);
      const content = await follow(url, parts, signal);
      if (content === 'not-here') return undefined;
      if (content === undefined) continue;
      const outcome = await context.files.receive(account, about, content, signal);
      if (outcome.outcome === 'stored') return outcome.attachment;
      context.log.info({ account, code: outcome.failure.code }, 'a file of a text was not taken');
      if (outcome.failure.code !== 'network-unreachable') return undefined;
    }
    return undefined;
  } finally {
    cancel();
  }
}

/** The bytes of a file, wherever it is by now; `not-here` where it will never be, undefined where it may be worth another try. */
async function follow(
  first: string,
  { http, origin, authorization }: MediaParts,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | 'not-here' | undefined> {
  let next = first;
  for (let hop = 0; hop < mostHops; hop++) {
    const url = URL.canParse(next) ? new URL(next) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return 'not-here';
    const headers = url.origin === origin ? { authorization: await authorization() } : {};
    const opened = await http.open({ method: 'GET', url, headers }, signal);
    if (opened.outcome !== 'opened') return opened.failure.remedy === 'retry' ? undefined : 'not-here';
    const { status, content } = opened;
    if (status === 200) return content;
    content.destroy();
    const { location } = opened.headers;
    if (status < 300 || status >= 400 || location === undefined) {
      return status === 404 || status === 429 || status >= 500 ? undefined : 'not-here';
    }
    if (!URL.canParse(location, url.href)) return 'not-here';
    next = new URL(location, url).href;
  }
  return 'not-here';
}

function pause({ context }: MediaParts, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      done();
    };
    const cancel = context.clock.after(pauseMs, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
