/* To whom a stanza goes (RFC 6120 §10, RFC 6121 §8). */
import { jid } from './addresses.js';
import { copy, type Element } from './element.js';
import { message } from './messages.js';
import { presence } from './presence.js';
import { question } from './questions.js';
import { roomPresence } from './room-entry.js';
import { roomMessage } from './room-talk.js';
import type { Session } from './session.js';
import { bounce } from './stanzas.js';
import type { World } from './world.js';

/** Takes a stanza on: of a session, which is named as its author, or of the server itself. */
export function route(world: World, given: Element, session?: Session): void {
  if (session === undefined) {
    if (given.name === 'message') message(world, given);
    else world.session(given.attrs['to'] ?? '')?.deliver(given);
    return;
  }
  const { to, type } = given.attrs;
  const stamped = copy(given, { from: session.full });
  const target = to === undefined ? undefined : jid(to);
  if (to !== undefined && target === undefined) {
    if (type !== 'error') session.deliver(bounce(stamped, 'modify', 'jid-malformed'));
    return;
  }
  const isRoom = target?.domain === world.roomDomain;
  if (given.name === 'iq') question(world, session, stamped);
  else if (given.name === 'presence') {
    if (isRoom) roomPresence(world, session, stamped);
    else presence(world, session, stamped);
  } else {
    if (world.mischief.swallowMessages === true) return;
    if (isRoom) roomMessage(world, session, stamped);
    else if (target !== undefined && target.domain !== world.domain) {
      if (type !== 'error') session.deliver(bounce(stamped, 'cancel', 'remote-server-not-found'));
    } else message(world, to === undefined ? copy(stamped, { to: session.account.bare }) : stamped, session);
  }
}
