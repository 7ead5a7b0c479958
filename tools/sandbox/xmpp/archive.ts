/* What was said, kept and found again (XEP-0313, with pages of XEP-0059). */
import { jid } from './addresses.js';
import { child, copy, el, has, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import { bounce, delay, form, page, payload, readForm, result, resultSet } from './stanzas.js';
import type { World } from './world.js';

export interface Kept {
  readonly id: string;
  readonly at: number;
  /** With whom: a bare address; in a room the nick that said it. */
  readonly with: string;
  readonly message: Element;
}

export class Archive {
  readonly kept: Kept[] = [];

  add(one: Kept): void {
    this.kept.push(one);
  }
}

/** Whether a message is one to keep: what was said, and what happened to it; unless it asks otherwise (XEP-0334). */
export function isKept(message: Element): boolean {
  const { type = 'normal' } = message.attrs;
  if (!['chat', 'normal', 'groupchat'].includes(type)) return false;
  if (has(message, ns.hints, 'no-store') || has(message, ns.hints, 'no-permanent-store')) return false;
  return (
    child(message, 'body') !== undefined ||
    has(message, ns.hints, 'store') ||
    [ns.receipts, ns.reactions, ns.retract, ns.correct].some((one) => has(message, one)) ||
    (has(message, ns.markers) && !has(message, ns.markers, 'markable'))
  );
}

/**
 * Answers a question about an archive.
 * @param deliver gives the asker a stanza; the results come before the answer.
 */
export function askArchive(
  world: World,
  archive: Archive,
  iq: Element,
  deliver: (one: Element) => void,
): void {
  const query = payload(iq);
  if (query === undefined) return;
  const fields = { with: '', start: '', end: '' };
  const extended = { 'before-id': '', 'after-id': '', ids: [] };
  if (query.name === 'metadata') {
    const [first, last] = [archive.kept[0], archive.kept.at(-1)];
    const edge = (name: string, kept: Kept | undefined): Element | undefined =>
      kept && el(name, { id: kept.id, timestamp: new Date(kept.at).toISOString() });
    deliver(result(iq, el('metadata', ns.mam, edge('start', first), edge('end', last))));
    return;
  }
  if (query.name === 'prefs') {
    deliver(result(iq, el('prefs', { xmlns: ns.mam, default: 'always' }, el('always'), el('never'))));
    return;
  }
  if (query.name !== 'query') {
    deliver(bounce(iq, 'cancel', 'feature-not-implemented'));
    return;
  }
  if (iq.attrs['type'] === 'get') {
    const known = world.has('archive-extended') ? { ...fields, ...extended } : fields;
    deliver(result(iq, el('query', ns.mam, form('form', ns.mam, known))));
    return;
  }
  const found = search(archive.kept, readForm(child(query, 'x', ns.data)));
  const set = child(query, 'set', ns.rsm);
  const chosen = found && page(found, ({ id }) => id, set, world.options.mostOnPage ?? 50);
  if (chosen === undefined) {
    deliver(bounce(iq, 'cancel', 'item-not-found'));
    return;
  }
  const { from, to } = iq.attrs;
  const isFlipped = child(query, 'flip-page') !== undefined;
  for (const { id, at, message } of isFlipped ? chosen.items.toReversed() : chosen.items) {
    deliver(
      stanza(
        'message',
        { from: to, to: from },
        el(
          'result',
          { xmlns: ns.mam, queryid: query.attrs['queryid'], id },
          el('forwarded', ns.forward, delay(at), copy(message)),
        ),
      ),
    );
  }
  const complete = chosen.complete ? 'true' : undefined;
  deliver(
    result(
      iq,
      el(
        'fin',
        { xmlns: ns.mam, complete },
        resultSet(chosen, ({ id }) => id),
      ),
    ),
  );
}

/** What the fields of a query leave; undefined where they name an item that is not there. */
function search(
  kept: readonly Kept[],
  fields: ReadonlyMap<string, readonly string[]>,
): readonly Kept[] | undefined {
  const one = (name: string): string | undefined => fields.get(name)?.[0];
  const [start, end] = [Date.parse(one('start') ?? ''), Date.parse(one('end') ?? '')];
  const [beforeId, afterId, ids] = [one('before-id'), one('after-id'), fields.get('ids')];
  const place = (id: string): number => kept.findIndex((item) => item.id === id);
  const [first, last] = [
    afterId === undefined ? 0 : place(afterId) + 1,
    beforeId === undefined ? kept.length : place(beforeId),
  ];
  if ((afterId !== undefined && first === 0) || last === -1) return undefined;
  if (ids?.some((id) => place(id) === -1) === true) return undefined;
  const whom = jid(one('with') ?? '');
  return kept
    .slice(first, last)
    .filter(
      (item) =>
        !(item.at < start || item.at > end) &&
        (ids === undefined || ids.includes(item.id)) &&
        (whom === undefined ||
          (whom.resource === '' ? item.with : `${item.with}${resourceOf(item, whom.bare)}`) === whom.full),
    );
}

function resourceOf({ message }: Kept, bare: string): string {
  const { from = '', to = '' } = message.attrs;
  const full = from.startsWith(`${bare}/`) ? from : to;
  return full.slice(bare.length);
}

/** The messages of the latest page, as a room gives them to whoever comes in (XEP-0045 §7.2.13). */
export function latest(
  archive: Archive,
  { most, since }: { readonly most: number; readonly since: number },
  room: string,
): readonly Element[] {
  const chosen = most <= 0 ? [] : archive.kept.filter(({ at }) => at >= since).slice(-most);
  return chosen.map(({ at, message }) => {
    const shown = copy(message);
    shown.children.push(delay(at, room));
    return shown;
  });
}
