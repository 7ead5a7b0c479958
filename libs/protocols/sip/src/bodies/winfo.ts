/*
 * Who watches somebody's presence, or asks to (RFC 3857, 3858): the documents, and the list that grows of full and partial
 * ones.
 */
import type { Fault } from './fault.js';
import { readXml, writeXml, xmlChildren, xmlElement, xmlText, type XmlElement } from './xml.js';

export const watcherInfoType = 'application/watcherinfo+xml';
const watcherInfoNamespace = 'urn:ietf:params:xml:ns:watcherinfo';
const mostLists = 50;
const mostWatchers = 2_000;

const statuses = ['pending', 'active', 'waiting', 'terminated'] as const;
/** How a subscription stands (RFC 3857 §4.7.1): `pending` and `waiting` for an answer. */
export type WatcherStatus = (typeof statuses)[number];

export interface Watcher {
  /** Of the subscription, unique in its list. */
  readonly id: string;
  /** Who watches, as written. */
  readonly uri: string;
  readonly status: WatcherStatus;
  /** What brought it into this state: `subscribe`, `approved`, `deactivated`, `timeout` … (RFC 3858 §3.3). */
  readonly event: string;
  readonly displayName?: string;
  readonly expirationSeconds?: number;
}

export interface WatcherList {
  /** Who is watched. */
  readonly resource: string;
  /** The event package: `presence`. */
  readonly package: string;
  readonly watchers: readonly Watcher[];
}

export interface WatcherInfo {
  /** Counts from 0 within a subscription (RFC 3858 §3.1). */
  readonly version: number;
  readonly state: 'full' | 'partial';
  readonly lists: readonly WatcherList[];
}

/** Reads a document; watchers without id, URI or a known status are left out. */
export function readWatcherInfo(bytes: Buffer): WatcherInfo | Fault {
  const root = readXml(bytes);
  if ('fault' in root) return root;
  if (root.name !== 'watcherinfo' || root.ns !== watcherInfoNamespace) {
    return { fault: 'The document is no watcher information of RFC 3858.' };
  }
  const version = root.attributes.get('version')?.trim() ?? '';
  const state = root.attributes.get('state')?.trim();
  if (!/^\d{1,15}$/.test(version)) return { fault: 'The document has no version.' };
  return {
    version: Number(version),
    state: state === 'partial' ? 'partial' : 'full',
    lists: xmlChildren(root, watcherInfoNamespace, 'watcher-list').slice(0, mostLists).map(listOf),
  };
}

function listOf(list: XmlElement): WatcherList {
  return {
    resource: list.attributes.get('resource')?.trim() ?? '',
    package: list.attributes.get('package')?.trim() ?? '',
    watchers: xmlChildren(list, watcherInfoNamespace, 'watcher').slice(0, mostWatchers).flatMap(watcherOf),
  };
}

function watcherOf(watcher: XmlElement): readonly Watcher[] {
  const { attributes } = watcher;
  const id = attributes.get('id')?.trim() ?? '';
  const uri = xmlText(watcher).trim();
  const status = statuses.find((one) => one === attributes.get('status')?.trim());
  if (id === '' || uri === '' || status === undefined) return [];
  const displayName = attributes.get('display-name')?.trim() ?? '';
  const expiration = attributes.get('expiration')?.trim() ?? '';
  return [
    {
      id,
      uri,
      status,
      event: attributes.get('event')?.trim() ?? '',
      ...(displayName !== '' && { displayName }),
      ...(/^\d{1,10}$/.test(expiration) && { expirationSeconds: Number(expiration) }),
    },
  ];
}

/** Writes a document. */
export function writeWatcherInfo({ version, state, lists }: WatcherInfo): Buffer {
  const children = lists.map((list) =>
    xmlElement(
      watcherInfoNamespace,
      'watcher-list',
      { resource: list.resource, package: list.package },
      list.watchers.map(({ id, uri, status, event, displayName, expirationSeconds }) =>
        xmlElement(
          watcherInfoNamespace,
          'watcher',
          { id, status, event, 'display-name': displayName, expiration: expirationSeconds?.toFixed(0) },
          [uri],
        ),
      ),
    ),
  );
  const root = xmlElement(watcherInfoNamespace, 'watcherinfo', { version: String(version), state }, children);
  return Buffer.from(writeXml(root));
}

/** All watchers of one subscription to watcher information, as its documents tell them (RFC 3858 §4). */
export class WatcherLists {
  #version: number | undefined;
  readonly #known = new Map<string, Watcher>();

  /**
   * Takes a document in.
   * @returns `old` for one that a later one has overtaken. `gap` where one before it is missing: what is known may be
   *   wrong, and full state is to be asked for by a SUBSCRIBE.
   */
  take({ version, state, lists }: WatcherInfo): 'taken' | 'old' | 'gap' {
    const before = this.#version;
    if (before !== undefined && version <= before) return 'old';
    if (state === 'partial' && (before === undefined || version > before + 1)) return 'gap';
    this.#version = version;
    if (state === 'full') this.#known.clear();
    for (const list of lists) {
      for (const watcher of list.watchers) {
        const key = `${list.resource}\n${list.package}\n${watcher.id}`;
        // A terminated one is told once, and is no watcher any more (RFC 3857 §4.7.1).
        if (watcher.status === 'terminated') this.#known.delete(key);
        else if (this.#known.has(key) || this.#known.size < mostWatchers) this.#known.set(key, watcher);
      }
    }
    return 'taken';
  }

  /** Who watches, or asks to. */
  watchers(): readonly Watcher[] {
    return [...this.#known.values()];
  }

  /** A new subscription counts from its own beginning. */
  reset(): void {
    this.#version = undefined;
    this.#known.clear();
  }
}
