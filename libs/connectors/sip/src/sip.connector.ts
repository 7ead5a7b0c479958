import type { Connector, ConnectorDescription } from '#connector';
import { capabilities } from './capabilities.js';
import { Pool } from './pool.js';
import { sipAddresses } from './sip.addresses.js';
import { SipSession } from './sip.session.js';
import { readSettings, secretsSchema, settingsSchema, targetsOf } from './sip.settings.js';
import { TrunkSession } from './trunk.session.js';
import { usualTimings, type SipTimings } from './timings.js';
import type { Timers } from '#protocols/sip';

const description: ConnectorDescription = {
  protocol: 'sip',
  name: 'SIP',
  mark: 'sip',
  settings: settingsSchema,
  secrets: secretsSchema,
  capabilities,
  abilities: [
    'paces',
    'shows-typing',
    'marks-read',
    'has-contacts',
    'admits',
    'sets-presence',
    'places-calls',
  ],
  // The session paces itself by its settings; this only keeps one account from filling the house.
  flood: { burst: 10_000, perSecond: 10_000 },
  observes: 'read',
  inFlight: { perLane: 1, perLink: 500 },
  losses: [
    'SIP keeps no messages: what others say while the account is offline reaches it only where its server stores them.',
    'Where the answer to a message of ours was lost, nobody can say whether it arrived; it is then unknown.',
    'Who asks a server that keeps presence itself may see our person is told, but let in there by its own means (XCAP).',
    'What our person says from another device is not shown here: SIP has no carbon copies.',
  ],
};

/**
 * The connector for SIP (RFC 3261) with its instant messages (RFC 3428), presence (RFC 3856) and calls.
 * @param options.timings for tests: other waits than the usual.
 * @param options.timers for tests: other timers of transactions than the standard's (RFC 3261 §17).
 */
export function createSip(
  options: { readonly timings?: Partial<SipTimings>; readonly timers?: Partial<Timers> } = {},
): Connector {
  const timings: SipTimings = { ...usualTimings, ...options.timings };
  const timers = { ...options.timers, connectMs: timings.connect };
  const pool = new Pool(timers);
  return {
    describe: () => description,
    addresses: sipAddresses,
    // An address is the same on all servers.
    networkOf: () => 'sip',
    targetsOf: (settings) => targetsOf(readSettings(settings)),
    listensOn: (settings) => readSettings(settings).trunk?.listen ?? [],
    open: (link, context) => {
      const settings = readSettings(link.settings);
      return settings.trunk === undefined
        ? new SipSession(settings, context, timings, pool)
        : new TrunkSession(settings, settings.trunk, context, timings, timers);
    },
  };
}

/** The connector as a server uses it. */
export const sip: Connector = createSip();
