/* XEP-0198: counting, acknowledging, and going on over another connection. */
import type { Connection } from './connection.js';
import { el, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Session } from './session.js';
import type { World } from './world.js';

/** Deals with what is no stanza but about them. */
export function manageStream(world: World, connection: Connection, element: Element): void {
  const { session } = connection;
  const number = Number(element.attrs['h']);
  switch (element.name) {
    case 'enable':
      if (session === undefined || session.managed !== undefined) fail(connection, 'unexpected-request');
      else enable(world, session, element);
      return;
    case 'resume':
      resume(world, connection, element.attrs['previd'] ?? '', number);
      return;
    case 'r':
      if (session?.managed !== undefined && world.mischief.stallAcks !== true) {
        connection.give(el('a', { xmlns: ns.sm, h: String(told(world, session)) }));
      }
      return;
    case 'a':
      if (session !== undefined) acknowledged(connection, session, number);
      return;
    default:
      connection.end('unsupported-stanza-type');
  }
}

/** What is said to have been handled: the truth, unless a lie was asked for. */
function told(world: World, { managed }: Session): number {
  const handled = managed?.handled ?? 0;
  return (world.mischief.lieAboutHandled?.(handled) ?? handled) >>> 0;
}

function enable(world: World, session: Session, element: Element): void {
  const isResumable = /^(?:true|1)$/.test(element.attrs['resume'] ?? '');
  session.managed = {
    id: world.nextId('sm-'),
    isResumable,
    handled: 0,
    sent: 0,
    unacknowledged: [],
    isAsked: false,
  };
  session.carrier?.give(
    el('enabled', {
      xmlns: ns.sm,
      ...(isResumable && {
        id: session.managed.id,
        resume: 'true',
        max: String(Math.ceil(resumableMs(world) / 1_000)),
      }),
    }),
  );
}

export function resumableMs(world: World): number {
  return world.options.resumableMs ?? 60_000;
}

function resume(world: World, connection: Connection, previous: string, handled: number): void {
  const { account } = connection;
  const found = [...(account?.sessions.values() ?? [])].find(({ managed }) => managed?.id === previous);
  if (connection.session !== undefined || account === undefined) {
    fail(connection, 'unexpected-request');
    return;
  }
  if (found?.managed?.isResumable !== true || world.mischief.refuseResume === true) {
    fail(connection, 'item-not-found');
    return;
  }
  if (!isPlausible(found, handled)) {
    connection.end('undefined-condition', 'handled more than was sent');
    return;
  }
  clearTimeout(found.waitTimer);
  const older = found.carrier;
  found.carrier = undefined;
  older?.ended('conflict', 'resumed by another connection');
  connection.session = found;
  found.carrier = connection;
  release(found, handled);
  connection.give(el('resumed', { xmlns: ns.sm, previd: previous, h: String(told(world, found)) }));
  for (const { stanza } of found.managed.unacknowledged) connection.give(stanza);
  found.managed.isAsked = found.managed.unacknowledged.length > 0;
  if (found.managed.isAsked) connection.give(el('r', ns.sm));
}

/** No client can have handled what was not sent (XEP-0198 §4). */
function isPlausible({ managed, world }: Session, handled: number): boolean {
  if (world.mischief.believeAnyCount === true) return true;
  const oldest = (managed?.sent ?? 0) - (managed?.unacknowledged.length ?? 0);
  return Number.isInteger(handled) && handled <= (managed?.sent ?? 0) && handled >= oldest;
}

function release({ managed }: Session, handled: number): void {
  if (managed === undefined) return;
  managed.unacknowledged = managed.unacknowledged.filter(({ number }) => number > handled);
}

function acknowledged(connection: Connection, session: Session, handled: number): void {
  if (session.managed === undefined) return;
  if (!isPlausible(session, handled)) {
    connection.end('undefined-condition', 'handled more than was sent');
    return;
  }
  const before = session.managed.unacknowledged.length;
  release(session, handled);
  session.managed.isAsked = session.managed.unacknowledged.length > 0;
  if (!session.managed.isAsked) return;
  // What came while the answer was on its way is asked for at once; what the client holds back, after a while.
  clearTimeout(session.askTimer);
  session.askTimer = setTimeout(
    () => {
      session.carrier?.give(el('r', ns.sm));
    },
    session.managed.unacknowledged.length < before ? 0 : 100,
  ).unref();
}

function fail(connection: Connection, condition: string): void {
  connection.give(el('failed', ns.sm, el(condition, ns.stanzaErrors)));
}
