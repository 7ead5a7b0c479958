/*
 * The way to a server and in: where it listens (the settings, or DNS), one place after another until one lets us in, and
 * where it sends us instead. Every host is judged by the house before anything connects to it.
 */
import type { SessionContext } from '#connector';
import { failure, type Failure } from '#model';
import type { Credentials } from './credentials.js';
import { negotiate } from './core/negotiation.js';
import { findServers } from './core/srv.js';
import type { ServerTarget, Stream } from './core/stream.js';
import type { Element } from './core/xml.js';
import type { XmppTimings } from './timings.js';
import type { Jid } from './xmpp.addresses.js';
import type { XmppSettings } from './xmpp.settings.js';

/** Sent on more often than that, we are sent round in circles. */
const mostHops = 3;
/** Of the places that DNS names, so many are tried in one go. */
const mostPlaces = 6;

export type WayIn =
  | { readonly way: 'in'; readonly stream: Stream; readonly features: Element }
  | { readonly way: 'none'; readonly failure: Failure }
  /** The session was closed meanwhile. */
  | { readonly way: 'closed' };

export interface WayInOptions {
  readonly context: SessionContext;
  readonly settings: XmppSettings;
  readonly jid: Jid;
  readonly credentials: Credentials;
  readonly timings: XmppTimings;
  /** Given when nobody wants to get in any more. */
  readonly signal: AbortSignal;
}

/** Gets in, or says why not. Never rejects. */
export async function findWayIn(options: WayInOptions): Promise<WayIn> {
  const { context, settings, jid, timings, signal } = options;
  const { password, clientKey } = options.credentials;
  const givenUp = (): boolean => signal.aborted;
  const places: readonly ServerTarget[] =
    settings.host === undefined
      ? await findServers(jid.domain, {
          clock: context.clock,
          timeoutMs: timings.find,
          random: () => context.random(),
          encrypted: settings.security !== 'none',
        })
      : [{ host: settings.host, port: settings.port, directTls: settings.security === 'direct' }];
  if (givenUp()) return { way: 'closed' };
  let why = failure('not-found', 'The domain says that it has no XMPP service.', 'ask-person');
  const open = [...places.slice(0, mostPlaces)];
  for (let hops = 0; open.length > 0 && !signal.aborted;) {
    const target = open.shift();
    if (target === undefined) break;
    const turn = await context.turn({ host: target.host, port: target.port });
    if (turn.turn === 'closed' || givenUp()) return { way: 'closed' };
    if (turn.turn === 'refused') {
      why = turn.failure;
      continue;
    }
    const reached = await negotiate({
      clock: context.clock,
      target,
      addresses: turn.addresses,
      domain: jid.domain,
      username: jid.local ?? '',
      ...(password !== undefined && { password }),
      tls: { ...settings, ...(clientKey !== undefined && { clientKey }) },
      encrypted: settings.security !== 'none',
      register: settings.register,
      ...(settings.mechanism !== undefined && { mechanism: settings.mechanism }),
      timings,
      signal,
    });
    if (reached.ok) return { way: 'in', stream: reached.stream, features: reached.features };
    why = reached.failure;
    if (reached.seeOther !== undefined) {
      if (++hops > mostHops)
        return {
          way: 'none',
          failure: failure('network-unreachable', 'The server sends us round in circles.'),
        };
      open.unshift(reached.seeOther);
    } else if (!isOfThisPlace(why)) return { way: 'none', failure: why };
  }
  return givenUp() ? { way: 'closed' } : { way: 'none', failure: why };
}

/** Whether another place may do better: what is wrong with the account is wrong everywhere. */
function isOfThisPlace({ code }: Failure): boolean {
  return ['network-unreachable', 'timeout', 'refused', 'server-shutdown', 'protocol-violation'].includes(
    code,
  );
}
