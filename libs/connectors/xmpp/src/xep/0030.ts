/* XEP-0030: Service Discovery. Who somebody is and what they can do, and what there is at their place. */
import { xml, type Element } from '../core/xml.js';
import { formsIn, type Form } from './0004.js';
import { page, pageIn, type Page, type PageAsk } from './0059.js';
import { attribute, jidIn, listOf, wordsOf } from './reading.js';

export const infoNs = 'http://jabber.org/protocol/disco#info';
export const itemsNs = 'http://jabber.org/protocol/disco#items';

const mostIdentities = 50;
const mostFeatures = 1_000;
const mostForms = 20;
const mostItems = 2_000;

export interface DiscoIdentity {
  readonly category: string;
  readonly type: string;
  readonly name?: string;
  readonly lang?: string;
}

export interface DiscoInfo {
  readonly node?: string;
  readonly identities: readonly DiscoIdentity[];
  readonly features: readonly string[];
  /** Extended information (XEP-0128). */
  readonly forms: readonly Form[];
  /** Something was left out because it was too much or too long: what it says of features may be incomplete. */
  readonly clipped: boolean;
}

export interface DiscoItem {
  readonly jid: string;
  readonly node?: string;
  readonly name?: string;
}

/** Asks who somebody is, at a node where one is given. */
export function infoAsk(node?: string): Element {
  return xml('query', { xmlns: infoNs, node });
}

/** Reads an answer (§3.1); undefined where it is none. */
export function infoOf(query: Element | undefined): DiscoInfo | undefined {
  if (query?.is('query', infoNs) !== true) return undefined;
  const node = attribute(query, 'node');
  const [identities, features] = [
    query.getChildren('identity', infoNs),
    query.getChildren('feature', infoNs),
  ];
  const read = listOf(query, 'identity', infoNs, mostIdentities, identityOf);
  const vars = listOf(query, 'feature', infoNs, mostFeatures, (feature) => attribute(feature, 'var'));
  return {
    ...(node !== undefined && { node }),
    identities: read,
    features: vars,
    forms: formsIn(query, mostForms),
    clipped: read.length < identities.length || vars.length < features.length,
  };
}

function identityOf(identity: Element): DiscoIdentity | undefined {
  const category = attribute(identity, 'category');
  const type = attribute(identity, 'type');
  if (category === undefined || type === undefined) return undefined;
  const name = attribute(identity, 'name');
  const lang = attribute(identity, 'xml:lang');
  return { category, type, ...(name !== undefined && { name }), ...(lang !== undefined && { lang }) };
}

/** Says who we are and what we can do. */
export function infoAnswer(
  identities: readonly DiscoIdentity[],
  features: readonly string[],
  node?: string,
  forms: readonly Element[] = [],
): Element {
  return xml(
    'query',
    { xmlns: infoNs, node },
    ...identities.map(({ category, type, name, lang }) =>
      xml('identity', { category, type, name, 'xml:lang': lang }),
    ),
    ...features.map((feature) => xml('feature', { var: feature })),
    ...forms,
  );
}

/** Asks what there is at somebody's place, page by page where `pages` says so. */
export function itemsAsk(node?: string, pages?: PageAsk): Element {
  return xml('query', { xmlns: itemsNs, node }, pages && page(pages));
}

/** Reads an answer (§4.1): at most 2,000 items; undefined where it is none. */
export function itemsOf(
  query: Element | undefined,
): { readonly items: readonly DiscoItem[]; readonly page?: Page } | undefined {
  if (query?.is('query', itemsNs) !== true) return undefined;
  const set = pageIn(query);
  return {
    items: listOf(query, 'item', itemsNs, mostItems, itemOf),
    ...(set !== undefined && { page: set }),
  };
}

function itemOf(item: Element): DiscoItem | undefined {
  const jid = jidIn(item, 'jid');
  const node = attribute(item, 'node');
  const name = wordsOf(item, 'name', 512);
  if (jid === undefined) return undefined;
  return { jid, ...(node !== undefined && { node }), ...(name !== undefined && { name }) };
}

/** Says what there is at our place. */
export function itemsAnswer(items: readonly DiscoItem[], node?: string): Element {
  return xml(
    'query',
    { xmlns: itemsNs, node },
    ...items.map(({ jid, node: at, name }) => xml('item', { jid, node: at, name })),
  );
}

/** Whether somebody is of a category and, where given, a type. */
export function isA(info: DiscoInfo, category: string, type?: string): boolean {
  return info.identities.some(
    (identity) => identity.category === category && (type === undefined || identity.type === type),
  );
}
