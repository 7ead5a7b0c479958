import type { JsonObject, Target } from '#connector';
import {
  clientKeyProperty,
  hostIn,
  numberIn,
  serverProperties,
  textIn,
  tlsChoicesIn,
  tlsProperties,
  type TlsChoices,
} from '#connector/session';
import { readTrunk, trunkSchema, type TrunkSettings } from './trunk.settings.js';

const modes = ['account', 'trunk'] as const;
const transports = ['auto', 'udp', 'tcp', 'tls'] as const;
/** How to reach the server; `auto` asks DNS (RFC 3263). */
export type TransportChoice = (typeof transports)[number];

const answers = ['by-presence', 'ring', 'decline'] as const;
/** What is answered to a call while the phones of our person ring. */
export type CallAnswer = (typeof answers)[number];

/** JSON Schema of the settings: form, validation and docs in one. */
export const settingsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  if: { properties: { mode: { const: 'trunk' } }, required: ['mode'] },
  then: { required: ['trunk'] },
  else: { required: ['address'] },
  properties: {
    mode: {
      type: 'string',
      title: 'Kind',
      description:
        'An account of a person, registered with its server; or a trunk: a link of an admin’s that other servers are joined to, without registration, for everybody of one or more domains.',
      enum: modes,
      default: 'account',
    },
    address: {
      type: 'string',
      title: 'SIP address',
      description: 'The address (address-of-record) of the account, such as alice@example.org.',
      examples: ['alice@example.org'],
      minLength: 3,
      maxLength: 512,
      pattern: '^(?:sips?:)?[^\\s@]+@[^\\s@/]+$',
    },
    displayName: {
      type: 'string',
      title: 'Name',
      description: 'The name that others see with messages and calls.',
      minLength: 1,
      maxLength: 100,
    },
    ...serverProperties({
      host: {
        description:
          'Host name or address that everything is sent to. Found by the domain of the address unless said.',
      },
      port: '5060, or 5061 with TLS, unless said otherwise. Counts only with a server.',
    }),
    transport: {
      type: 'string',
      title: 'Transport',
      description:
        'How messages travel: over UDP, TCP or TLS, or as the domain says (auto). Without TLS everything travels readable.',
      enum: transports,
      default: 'auto',
    },
    ...tlsProperties('mutual TLS'),
    authUser: {
      type: 'string',
      title: 'Name for signing in',
      description: 'Where it is not the first part of the address.',
      minLength: 1,
      maxLength: 255,
    },
    expires: {
      type: 'integer',
      title: 'Registration lasts',
      description: 'Seconds that are asked for; the server has the last word.',
      minimum: 30,
      maximum: 86_400,
      default: 600,
    },
    receipts: {
      type: 'boolean',
      title: 'Ask for receipts',
      description:
        'Asks with every message whether it was delivered and read (RFC 5438). Whoever cannot say gets plain messages.',
      default: true,
    },
    calls: {
      type: 'string',
      title: 'Calls',
      description:
        'What callers hear while your phones ring: as your presence says (busy, or not there), that it rings here too, or that you take no calls at all.',
      enum: answers,
      default: 'by-presence',
    },
    rate: {
      type: 'integer',
      title: 'Messages per second',
      description: 'No more than so many leave in a second.',
      minimum: 1,
      maximum: 10_000,
      default: 50,
    },
    trunk: trunkSchema,
  },
};

/** JSON Schema of the secrets. */
export const secretsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  patternProperties: {
    '^peer:[a-z0-9-]{1,40}$': {
      type: 'string',
      title: 'Password of a trunk’s peer',
      description: 'What the peer of that name signs its requests with, and we ours to it.',
      maxLength: 255,
    },
  },
  properties: {
    password: {
      type: 'string',
      title: 'Password',
      description: 'Of the account.',
      maxLength: 255,
    },
    ha1: {
      type: 'string',
      title: 'Hashed password',
      description:
        'In place of the password: the MD5 of name, realm and password (HA1), as 32 hexadecimal digits.',
      pattern: '^[0-9A-Fa-f]{32}$',
    },
    clientKey: clientKeyProperty,
    serverKey: {
      type: 'string',
      title: 'Key of the trunk’s certificate',
      description: 'PEM text of the private key that the trunk shows who connects to it over TLS.',
      maxLength: 65_536,
      pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----',
    },
  },
};

export interface SipSettings extends TlsChoices {
  readonly mode: (typeof modes)[number];
  /** As the person wrote it; a trunk has none. */
  readonly address: string;
  readonly displayName?: string;
  readonly host?: string;
  readonly port?: number;
  readonly transport: TransportChoice;
  readonly authUser?: string;
  /** Seconds. */
  readonly expires: number;
  readonly receipts: boolean;
  readonly calls: CallAnswer;
  /** Messages per second. */
  readonly rate: number;
  readonly trunk?: TrunkSettings;
}

/** Reads settings that have passed the schema, with what they leave unsaid filled in. */
export function readSettings(raw: JsonObject): SipSettings {
  const mode = modes.find((one) => one === raw['mode']) ?? 'account';
  const host = hostIn(raw);
  const port = numberIn(raw, 'port');
  const displayName = textIn(raw, 'displayName');
  const authUser = textIn(raw, 'authUser');
  const trunk = mode === 'trunk' ? readTrunk(raw['trunk']) : undefined;
  return {
    mode,
    address: textIn(raw, 'address') ?? '',
    ...(displayName !== undefined && { displayName }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    transport: transports.find((one) => one === raw['transport']) ?? 'auto',
    ...tlsChoicesIn(raw),
    ...(authUser !== undefined && { authUser }),
    expires: numberIn(raw, 'expires') ?? 600,
    receipts: raw['receipts'] !== false,
    calls: answers.find((one) => one === raw['calls']) ?? 'by-presence',
    rate: numberIn(raw, 'rate') ?? 50,
    ...(trunk !== undefined && { trunk }),
  };
}

/** Where a session with these settings connects to, as far as the settings say it. */
export function targetsOf({ host, port, transport, address, trunk }: SipSettings): readonly Target[] {
  if (trunk !== undefined) {
    return trunk.peers.flatMap((peer) =>
      peer.host === undefined ? [] : [{ host: peer.host, port: peer.port ?? usualPort(peer.transport) }],
    );
  }
  const domain = /@(\[[^\]]*\]|[^:;>]*)/.exec(address)?.[1] ?? '';
  return [{ host: host ?? domain.replace(/^\[(.*)\]$/, '$1'), port: port ?? usualPort(transport) }];
}

/** RFC 3261 §19.1.2. */
export function usualPort(transport: TransportChoice): number {
  return transport === 'tls' ? 5061 : 5060;
}
