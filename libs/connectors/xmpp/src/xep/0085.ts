/* XEP-0085: Chat State Notifications. Whether somebody is writing. */
import { xml, type Element } from '../core/xml.js';

export const chatStatesNs = 'http://jabber.org/protocol/chatstates';

const states = ['active', 'composing', 'paused', 'inactive', 'gone'] as const;
export type ChatState = (typeof states)[number];

/** The state that a message tells of; undefined where it tells of none, or of several (§5.5: at most one). */
export function chatStateIn(message: Element): ChatState | undefined {
  const [state, ...others] = states.filter((name) => message.getChild(name, chatStatesNs) !== undefined);
  return others.length === 0 ? state : undefined;
}

/** A state to go in a message. */
export function chatState(state: ChatState): Element {
  return xml(state, { xmlns: chatStatesNs });
}
