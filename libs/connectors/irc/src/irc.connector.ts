import type { Connector, ConnectorDescription, JsonObject } from '#connector';
import { capabilities } from './capabilities.js';
import { ircAddresses } from './irc.addresses.js';
import { IrcSession } from './irc.session.js';
import { readSettings, secretsSchema, settingsSchema } from './irc.settings.js';
import { usualTimings, type IrcTimings } from './timings.js';

const description: ConnectorDescription = {
  protocol: 'irc',
  name: 'IRC',
  mark: 'irc',
  settings: settingsSchema,
  secrets: secretsSchema,
  capabilities,
  abilities: [
    'has-rooms',
    'has-contacts',
    'sets-presence',
    'shows-typing',
    'paces',
    'takes-requests',
    'has-history',
    'marks-read',
    'reacts',
    'retracts',
  ],
  flood: { burst: 10, perSecond: 0.5 },
  observes: 'sent',
  inFlight: { perLane: 10, perLink: 10 },
  losses: [
    'What others say while the connection is down is gone where the server keeps no history; the gap is shown in every room.',
    'A message that was read from the network and not yet stored when Parley is killed is lost where the server keeps no history: it cannot be asked for it again.',
    'Where the server gives messages neither ids nor times, one that a bouncer plays back twice is shown twice.',
    'A bouncer does not say whether it has kept all that it plays back: what its own buffer has lost shows no gap.',
    'Where the server neither echoes nor answers by label, "sent" means that it worked on past the line without refusing it.',
    'A line that was on its way when the connection broke is unknown: nobody can tell whether it arrived.',
    'Where the server does not take messages of several lines, each line is a message of its own.',
  ],
};

/**
 * The connector for IRC (RFC 1459, RFC 2812, IRCv3).
 * @param options.timings for tests: other waits than the usual.
 */
export function createIrc(options: { readonly timings?: Partial<IrcTimings> } = {}): Connector {
  const timings: IrcTimings = { ...usualTimings, ...options.timings };
  return {
    describe: () => description,
    addresses: ircAddresses,
    networkOf: scopeOf,
    targetsOf: (settings) => {
      const { host, port } = readSettings(settings);
      return [{ host, port }];
    },
    open: (link, context) => new IrcSession(readSettings(link.settings), context, timings),
  };
}

/** `irc:example.org` for irc.example.org; with the port where it is none of the usual, as there may be several on a host. */
function scopeOf(settings: JsonObject): string {
  const { host, port } = readSettings(settings);
  const name = host.toLowerCase().replace(/^irc\./, '');
  return [6667, 6697].includes(port) ? `irc:${name}` : `irc:${name}:${String(port)}`;
}

/** The connector as a server uses it. */
export const irc: Connector = createIrc();
