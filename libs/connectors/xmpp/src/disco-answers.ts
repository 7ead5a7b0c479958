/*
 * What servers and services say of themselves, once for all accounts: a thousand on one server hear the same answer.
 */
import { createHash } from 'node:crypto';
import { remember } from '#connector/session';
import { serialise, type Element } from './core/xml.js';
import { infoOf, type DiscoInfo } from './xep/0030.js';

/** Answers that are shared: of the servers, their accounts and the services beside them. */
const mostShared = 200;
/** In UTF-16 code units; what is longer is nobody else's, or meant to fill the memory. */
const longestShared = 16_384;

const shared = new Map<string, DiscoInfo>();

/**
 * Reads an answer to disco#info (XEP-0030 §3.1), undefined where it is none. Who hears the same words is given the same
 * object; it must not be changed.
 */
export function sharedInfoOf(query: Element | undefined): DiscoInfo | undefined {
  const info = infoOf(query);
  if (query === undefined || info === undefined) return undefined;
  const text = serialise(query);
  if (text.length > longestShared) return info;
  const hash = createHash('sha256').update(text).digest('base64');
  const known = shared.get(hash);
  if (known !== undefined) return known;
  // A copy: strings out of a parser are slices that keep the whole text alive which they were read from.
  const own = structuredClone(info);
  remember(shared, hash, own, mostShared);
  return own;
}
