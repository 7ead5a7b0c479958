/* XEP-0249: Direct MUC Invitations. From person to person, past the room. */
import { xml, type Element } from '../core/xml.js';
import { attribute, isTrue, jidIn, wordsOf } from './reading.js';

export const directInviteNs = 'jabber:x:conference';

export interface DirectInvite {
  /** The room, as it is written. */
  readonly jid: string;
  readonly password?: string;
  readonly reason?: string;
  /** It goes on from a talk between two (§3). */
  readonly continues: boolean;
}

/** The invitation that a message carries; undefined where it carries none. */
export function directInviteIn(message: Element): DirectInvite | undefined {
  const x = message.getChild('x', directInviteNs);
  const jid = x && jidIn(x, 'jid');
  if (x === undefined || jid === undefined) return undefined;
  const password = attribute(x, 'password');
  const reason = wordsOf(x, 'reason');
  return {
    jid,
    ...(password !== undefined && { password }),
    ...(reason !== undefined && { reason }),
    continues: isTrue(attribute(x, 'continue')),
  };
}

/** Invites somebody to a room; goes in a message to them. */
export function directInvite({
  jid,
  password,
  reason,
}: Pick<DirectInvite, 'jid' | 'password' | 'reason'>): Element {
  return xml('x', { xmlns: directInviteNs, jid, password, reason });
}
