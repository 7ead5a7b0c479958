/*
 * XEP-0060: Publish-Subscribe, as much of it as personal eventing (XEP-0163) and what lies on it need: items are asked
 * for, published and retracted, and nodes are configured.
 */
import { xml, type Element } from '../core/xml.js';
import { submission, type FieldValue } from './0004.js';
import { attribute, childrenOf, jidIn } from './reading.js';

export const pubsubNs = 'http://jabber.org/protocol/pubsub';
export const pubsubOwnerNs = `${pubsubNs}#owner`;
export const pubsubErrorsNs = `${pubsubNs}#errors`;
/** A service that takes options with a publication (§7.1.5). */
export const publishOptionsFeature = `${pubsubNs}#publish-options`;

const mostItems = 1_000;

export interface PubsubItem {
  readonly id?: string;
  readonly payload?: Element;
  /** Who published it, where the service says so. */
  readonly publisher?: string;
}

/** Asks for items of a node (§6.5): certain ones, the latest so many, or all. */
export function itemsAskOf(
  node: string,
  which: { readonly ids?: readonly string[]; readonly latest?: number } = {},
): Element {
  const { ids = [], latest } = which;
  return pubsub(xml('items', { node, max_items: latest }, ...ids.map((id) => xml('item', { id }))));
}

/** Reads an answer: at most 1,000 items; undefined where it is none, or of another node. */
export function itemsIn(answer: Element | undefined, node: string): readonly PubsubItem[] | undefined {
  const items = answer?.is('pubsub', pubsubNs) === true ? answer.getChild('items', pubsubNs) : undefined;
  return items?.attrs['node'] === node ? pubsubItemsOf(items, pubsubNs) : undefined;
}

/** The items in an `items` element of an answer or an event. */
export function pubsubItemsOf(items: Element, ns: string): readonly PubsubItem[] {
  return childrenOf(items, 'item', ns, mostItems).map((item) => {
    const id = attribute(item, 'id', 3_071);
    const publisher = jidIn(item, 'publisher');
    const [payload] = item.getChildElements();
    return {
      ...(id !== undefined && { id }),
      ...(payload !== undefined && { payload }),
      ...(publisher !== undefined && { publisher }),
    };
  });
}

/**
 * Publishes an item (§7.1); goes in an iq set.
 * @param options how the node must be: refused with a precondition where it is otherwise (§7.1.5).
 */
export function publishing(
  node: string,
  payload: Element,
  id?: string,
  options?: Readonly<Record<string, FieldValue>>,
): Element {
  return pubsub(
    xml('publish', { node }, xml('item', { id }, payload)),
    options && xml('publish-options', {}, submission(publishOptionsFeature, options)),
  );
}

/** Takes an item back (§7.2); those who watch the node are told. */
export function retracting(node: string, id: string): Element {
  return pubsub(xml('retract', { node, notify: 'true' }, xml('item', { id })));
}

/** Configures a node of our own (§8.2.4). */
export function configuring(node: string, options: Readonly<Record<string, FieldValue>>): Element {
  return xml(
    'pubsub',
    { xmlns: pubsubOwnerNs },
    xml('configure', { node }, submission(`${pubsubNs}#node_config`, options)),
  );
}

/** Whether a publication was refused because the node is not as it must be (§7.1.5). */
export function isPreconditionUnmet(error: Element | undefined): boolean {
  return error?.getChild('precondition-not-met', pubsubErrorsNs) !== undefined;
}

function pubsub(...children: readonly (Element | undefined)[]): Element {
  return xml('pubsub', { xmlns: pubsubNs }, ...children);
}
