/*
 * XEP-0115: Entity Capabilities. A hash stands for what somebody can do, so that it is asked once for all who run the
 * same client. An answer is believed for others only if it makes the hash (§5.4): else whoever answers first could say
 * what everybody's client can do.
 */
import { createHash } from 'node:crypto';
import { xml, type Element } from '../core/xml.js';
import type { Form } from './0004.js';
import type { DiscoIdentity, DiscoInfo } from './0030.js';
import { attribute } from './reading.js';

export const capsNs = 'http://jabber.org/protocol/caps';

/** Hash functions by their names in the XEP (from the IANA registry), and in Node. */
const hashes: ReadonlyMap<string, string> = new Map([
  ['sha-1', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

export interface Caps {
  readonly hash: string;
  /** The client, as an address on the web. */
  readonly node: string;
  readonly ver: string;
}

/** The capabilities that a presence announces; undefined without a hash (the legacy form says nothing to us). */
export function capsIn(presence: Element): Caps | undefined {
  const caps = presence.getChild('c', capsNs);
  if (caps === undefined) return undefined;
  const [hash, node, ver] = ['hash', 'node', 'ver'].map((name) => attribute(caps, name));
  return hash === undefined || node === undefined || ver === undefined ? undefined : { hash, node, ver };
}

/** What our own presence announces. */
export function caps(node: string, ver: string): Element {
  return xml('c', { xmlns: capsNs, hash: 'sha-1', node, ver });
}

/** The node at which what a hash stands for is asked (§6.2). */
export function capsNode({ node, ver }: Pick<Caps, 'node' | 'ver'>): string {
  return `${node}#${ver}`;
}

/** Whether an answer is what the announced hash stands for, so that it may be kept for everybody who announces it. */
export function verifies(info: DiscoInfo, announced: Caps): boolean {
  return verOf(info, announced.hash) === announced.ver;
}

/**
 * The verification string (§5.1) of what somebody says of themselves; undefined for an ill-formed answer (§5.4), an
 * unknown hash function, an answer that was too long to keep whole, and one with the delimiter in its values, with which
 * another list of features could be given the same hash.
 */
export function verOf(
  info: Pick<DiscoInfo, 'identities' | 'features' | 'forms' | 'clipped'>,
  hash = 'sha-1',
): string | undefined {
  const algorithm = hashes.get(hash);
  if (algorithm === undefined || info.clipped) return undefined;
  const identities = info.identities.map(identityText);
  const forms = info.forms.flatMap(extensionOf);
  if (forms.some((form) => form === undefined)) return undefined;
  const extensions = forms.filter((form) => form !== undefined);
  const unique = [identities, info.features, extensions.map(({ formType }) => formType)];
  if (unique.some((all) => new Set(all).size < all.length)) return undefined;
  const parts = [
    ...sorted(identities),
    ...sorted(info.features),
    ...extensions
      .sort((a, b) => octets(a.formType, b.formType))
      .flatMap(({ formType, fields }) => [formType, ...fields]),
  ];
  if (parts.some((part) => part.includes('<'))) return undefined;
  return createHash(algorithm)
    .update(parts.map((part) => `${part}<`).join(''))
    .digest('base64');
}

function identityText({ category, type, lang = '', name = '' }: DiscoIdentity): string {
  return [category, type, lang, name].join('/');
}

/** The kind of a form and its fields in the order of the hash; empty for one that does not count, undefined for a bad one. */
function extensionOf(
  form: Form,
): readonly ({ readonly formType: string; readonly fields: readonly string[] } | undefined)[] {
  const kinds = form.fields.filter(({ name }) => name === 'FORM_TYPE');
  const [kind] = kinds;
  if (new Set(kinds.flatMap(({ values }) => values)).size > 1) return [undefined];
  const formType = kind?.values[0];
  if (kind?.type !== 'hidden' || formType === undefined) return [];
  const fields = form.fields
    .filter((field) => field !== kind && field.name !== undefined && field.name !== 'FORM_TYPE')
    .sort((a, b) => octets(a.name ?? '', b.name ?? ''))
    .flatMap(({ name = '', values }) => [name, ...sorted(values)]);
  return [{ formType, fields }];
}

/** In the order of `i;octet` (RFC 4790 §9.3): by bytes of UTF-8, which JavaScript's own order is not. */
function sorted(texts: readonly string[]): readonly string[] {
  return [...texts].sort(octets);
}

function octets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
