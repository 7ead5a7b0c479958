import { abilityNames, type AcceptsHttp, type Connector, type JsonObject } from '#connector';
import type { Capabilities } from '#model';
import { assess } from './assess.js';
import { loopbackAddresses } from './loopback.addresses.js';
import { LoopbackSession, ResolvingLoopbackSession } from './loopback.session.js';
import {
  defaultFlood,
  doorbellHost,
  longestPart,
  readSettings,
  secretsSchema,
  settingsSchema,
} from './loopback.settings.js';
import { readWebhook } from './loopback.webhooks.js';

const capabilities: Capabilities = {
  direct: 'native',
  rooms: 'native',
  emote: 'native',
  replies: 'native',
  edits: 'native',
  retractions: 'native',
  reactions: 'native',
  files: 'fallback',
  typing: 'native',
  receipts: 'native',
  'read-receipts': 'native',
  'read-marks': 'native',
  presence: 'native',
  roster: 'native',
  history: 'native',
  topics: 'native',
  maxTextBytes: longestPart,
};

/** What this link offers: what its settings leave of the most. */
function offered(settings: JsonObject): Capabilities {
  const { receipts, maxTextBytes } = readSettings(settings);
  return {
    ...capabilities,
    ...(receipts ? {} : ({ receipts: 'none', 'read-receipts': 'none' } as const)),
    maxTextBytes,
  };
}

/** A network of our own making, on a socket: it can do all that the contract knows, and fail in every way on demand. */
export const loopback: Connector & AcceptsHttp = {
  describe: () => ({
    protocol: 'loopback',
    name: 'Loopback',
    mark: 'loopback',
    settings: settingsSchema,
    secrets: secretsSchema,
    capabilities,
    abilities: abilityNames,
    flood: defaultFlood,
    observes: 'read',
    inFlight: { perLane: 64, perLink: 256 },
    losses: [],
  }),
  addresses: loopbackAddresses,
  networkOf: (settings) => `loopback:${readSettings(settings).network}`,
  targetsOf: (settings) => {
    const { host, port } = readSettings(settings);
    return [{ host, port }];
  },
  listensOn: (settings) => {
    const { doorbellPort } = readSettings(settings);
    return doorbellPort === undefined ? [] : [{ transport: 'tcp', host: doorbellHost, port: doorbellPort }];
  },
  assess,
  ingress: readWebhook,
  open: (link, context) => {
    const scope = loopback.networkOf(link.settings);
    const Kind = readSettings(link.settings).resolvesUnknown ? ResolvingLoopbackSession : LoopbackSession;
    return new Kind(link, context, offered(link.settings), scope);
  },
};
