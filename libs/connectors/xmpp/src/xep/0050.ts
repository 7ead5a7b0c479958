/* XEP-0050: Ad-Hoc Commands. What a service offers to do, one stage after another. */
import { xml, type Element } from '../core/xml.js';
import { formIn, type Form } from './0004.js';
import { itemsAsk } from './0030.js';
import { attribute, childrenOf, cut, oneOf } from './reading.js';

export const commandsNs = 'http://jabber.org/protocol/commands';

const actions = ['prev', 'next', 'complete'] as const;
export type CommandAction = 'execute' | 'cancel' | (typeof actions)[number];

export interface Command {
  readonly node: string;
  readonly sessionId?: string;
  readonly status: 'executing' | 'completed' | 'canceled';
  /** What may come next; `execute` is always understood, as `byDefault`. */
  readonly actions: readonly CommandAction[];
  readonly byDefault: CommandAction;
  readonly notes: readonly { readonly type: 'info' | 'warn' | 'error'; readonly text: string }[];
  readonly form?: Form;
}

/** Asks which commands somebody offers (§2.2): an ask for items, whose nodes are the commands. */
export function commandsAsk(): Element {
  return itemsAsk(commandsNs);
}

/** Begins a command, goes on with it or gives it up (§2.3, §3.4); goes in an iq set. */
export function commanding(
  node: string,
  step: { readonly action?: CommandAction; readonly sessionId?: string; readonly form?: Element } = {},
): Element {
  const { action = 'execute', sessionId, form } = step;
  return xml('command', { xmlns: commandsNs, node, action, sessionid: sessionId }, form);
}

/** Reads where a command stands; undefined where the answer is none. */
export function commandOf(answer: Element | undefined): Command | undefined {
  if (answer?.is('command', commandsNs) !== true) return undefined;
  const node = attribute(answer, 'node');
  const status = oneOf(attribute(answer, 'status'), ['executing', 'completed', 'canceled'] as const);
  if (node === undefined || status === undefined) return undefined;
  const sessionId = attribute(answer, 'sessionid');
  const offered = answer.getChild('actions', commandsNs);
  const may = actions.filter((action) => offered?.getChild(action, commandsNs) !== undefined);
  const form = formIn(answer);
  return {
    node,
    ...(sessionId !== undefined && { sessionId }),
    status,
    // Without a word about it, a stage is the only one (§3.4).
    actions: status !== 'executing' ? [] : [...(may.length === 0 ? ['complete' as const] : may), 'cancel'],
    byDefault: byDefault(offered, may),
    notes: childrenOf(answer, 'note', commandsNs, 20).flatMap((note) => {
      const text = cut(note.getText(), 4_096);
      const type = oneOf(attribute(note, 'type'), ['info', 'warn', 'error'] as const) ?? 'info';
      return text === undefined ? [] : [{ type, text }];
    }),
    ...(form !== undefined && { form }),
  };
}

/** What `execute` stands for (§3.4): what the service says, if it may be; else `next`; else `complete`. */
function byDefault(
  offered: Element | undefined,
  may: readonly (typeof actions)[number][],
): (typeof actions)[number] {
  const said = offered && oneOf(attribute(offered, 'execute'), may);
  return said ?? (may.includes('next') ? 'next' : 'complete');
}
