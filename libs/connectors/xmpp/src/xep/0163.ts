/*
 * XEP-0163: Personal Eventing Protocol. Everybody's own bare JID is a publish-subscribe service; whoever sees their
 * presence and says `<node>+notify` in their features is told of what they publish. The event's `from` says whose it is:
 * the caller takes it from there and from nowhere in the payload.
 */
import type { Element } from '../core/xml.js';
import { pubsubItemsOf, type PubsubItem } from './0060.js';
import { attribute, listOf } from './reading.js';

export const pubsubEventNs = 'http://jabber.org/protocol/pubsub#event';

export interface PubsubEvent {
  readonly node: string;
  readonly items: readonly PubsubItem[];
  /** Ids of items that were taken back. */
  readonly retracted: readonly string[];
  /** The node has been emptied or is gone. */
  readonly emptied: boolean;
}

/** The event that a message tells of; undefined where it tells of none. */
export function eventIn(message: Element): PubsubEvent | undefined {
  const event = message.getChild('event', pubsubEventNs);
  const what = event
    ?.getChildElements()
    .find((child) => child.attrs['xmlns'] === pubsubEventNs && kinds.has(child.getName()));
  const node = what && attribute(what, 'node');
  if (what === undefined || node === undefined) return undefined;
  if (what.getName() !== 'items') return { node, items: [], retracted: [], emptied: true };
  return {
    node,
    items: pubsubItemsOf(what, pubsubEventNs),
    retracted: listOf(what, 'retract', pubsubEventNs, 1_000, (one) => attribute(one, 'id', 3_071)),
    emptied: false,
  };
}

const kinds = new Set(['items', 'purge', 'delete']);

/** The feature by which we say that we want to be told of what is published on a node (§7). */
export function notifyOf(node: string): string {
  return `${node}+notify`;
}
