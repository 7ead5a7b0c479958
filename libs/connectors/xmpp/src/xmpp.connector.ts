import type { Connector, ConnectorDescription } from '#connector';
import { capabilities } from './capabilities.js';
import { ComponentSession } from './component.session.js';
import { usualTimings, type XmppTimings } from './timings.js';
import { xmppAddresses } from './xmpp.addresses.js';
import { XmppSession } from './xmpp.session.js';
import { readSettings, secretsSchema, settingsSchema } from './xmpp.settings.js';

const description: ConnectorDescription = {
  protocol: 'xmpp',
  name: 'XMPP',
  mark: 'xmpp',
  settings: settingsSchema,
  secrets: secretsSchema,
  capabilities,
  abilities: [
    'has-contacts',
    'has-rooms',
    'keeps-roster',
    'admits',
    'sets-presence',
    'edits',
    'retracts',
    'reacts',
    'shows-typing',
    'marks-read',
    'takes-requests',
    'has-history',
    'resolves-unknown',
  ],
  flood: { burst: 100, perSecond: 50 },
  observes: 'read',
  inFlight: { perLane: 50, perLink: 200 },
  losses: [
    'On the link of a component, what was read and is not stored yet when this process dies is gone: it cannot be acknowledged.',
    'Where the server keeps no archive, what others say while the account is offline for long is gone; the gap is shown.',
    'Where the server knows no stream management, what was on its way when the connection broke is unknown until the archive is asked.',
  ],
};

/**
 * The connector for XMPP (RFC 6120, 6121, 7622 and the XEPs of the compliance suite XEP-0479).
 * @param options.timings for tests: other waits than the usual.
 */
export function createXmpp(options: { readonly timings?: Partial<XmppTimings> } = {}): Connector {
  const timings: XmppTimings = { ...usualTimings, ...options.timings };
  return {
    describe: () => description,
    addresses: xmppAddresses,
    // A JID is unique on all servers together.
    networkOf: () => 'xmpp',
    targetsOf: (settings) => {
      const { host, port, jid, component } = readSettings(settings);
      return [{ host: host ?? component ?? jid?.domain ?? '', port }];
    },
    open: (link, context) => {
      const settings = readSettings(link.settings);
      return settings.mode === 'component'
        ? new ComponentSession(settings, context, timings)
        : new XmppSession(settings, context, timings);
    },
  };
}

/** The connector as a server uses it. */
export const xmpp: Connector = createXmpp();
