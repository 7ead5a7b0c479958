/* A trunk: what it listens on, the domains that are ours, and the servers that are joined to it. */
import type { JsonObject, JsonValue } from '#connector';
import { fieldsOf, hostIn, numberIn, textIn } from '#connector/session';

const transports = ['udp', 'tcp', 'tls'] as const;
export type TrunkTransport = (typeof transports)[number];

const trusts = ['address', 'password', 'certificate'] as const;
/** How a peer is known: by where it writes from, by digest, or by the certificate that it shows (mutual TLS). */
export type PeerTrust = (typeof trusts)[number];

const identities = ['believe', 'ignore'] as const;

const digests = ['compatible', 'strong'] as const;
/** What peers may sign with. */
export type DigestChoice = (typeof digests)[number];

/** JSON Schema of a trunk's settings. */
export const trunkSchema: JsonObject = {
  type: 'object',
  title: 'Trunk',
  additionalProperties: false,
  required: ['domains', 'listen', 'peers'],
  properties: {
    domains: {
      type: 'array',
      title: 'Own domains',
      description: 'Whoever is written to under them is an account on this link, or nobody.',
      items: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\s@/;:]+$' },
      minItems: 1,
      maxItems: 100,
      uniqueItems: true,
    },
    listen: {
      type: 'array',
      title: 'Listen on',
      description: 'Where peers reach us.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['transport', 'port'],
        properties: {
          transport: { type: 'string', title: 'Transport', enum: transports },
          host: {
            type: 'string',
            title: 'Address',
            description: 'Of this machine; 0.0.0.0 or :: for all of them.',
            default: '127.0.0.1',
            maxLength: 45,
            pattern: '^[0-9A-Fa-f.:]+$',
          },
          port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535 },
        },
      },
      minItems: 1,
      maxItems: 10,
    },
    publicHost: {
      type: 'string',
      title: 'Public name',
      description: 'The name or address that peers are to answer to, where it is not the one listened on.',
      maxLength: 255,
      pattern: '^(?:[^\\s/@:]+|\\[?[0-9A-Fa-f:.]+\\]?)$',
    },
    serverCertificate: {
      type: 'string',
      title: 'Certificate',
      description:
        'PEM text of the certificate, with its chain, that is shown over TLS. Its key is a secret.',
      contentMediaType: 'application/x-pem-file',
      maxLength: 65_536,
      pattern: '-----BEGIN CERTIFICATE-----',
    },
    digest: {
      type: 'string',
      title: 'Signatures',
      description:
        'What peers with a password sign with: MD5 or SHA-256, MD5 first because many look at the first challenge only (compatible), or SHA-256 and nothing else (strong).',
      enum: digests,
      default: 'compatible',
    },
    peers: {
      type: 'array',
      title: 'Peers',
      description: 'The servers that are joined to the trunk. Nobody else is listened to.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'domains'],
        properties: {
          name: {
            type: 'string',
            title: 'Name',
            description: 'Names the secret with its password, too: peer:<name>.',
            pattern: '^[a-z0-9-]{1,40}$',
          },
          host: {
            type: 'string',
            title: 'Server',
            description: 'Where we write to it. Without one it only writes to us.',
            maxLength: 255,
            pattern: '^[^\\s/]+$',
          },
          port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535 },
          transport: { type: 'string', title: 'Transport', enum: transports, default: 'udp' },
          domains: {
            type: 'array',
            title: 'Its domains',
            description: 'For whom it may speak, and who is reached through it; * is everybody else’s.',
            items: { type: 'string', minLength: 1, maxLength: 255, pattern: '^(?:\\*|[^\\s@/;:]+)$' },
            minItems: 1,
            maxItems: 1_000,
          },
          trust: {
            type: 'string',
            title: 'Known by',
            description:
              'Its addresses, a password (digest), or the certificate that it shows over TLS. Everything else is refused.',
            enum: trusts,
            default: 'address',
          },
          addresses: {
            type: 'array',
            title: 'Its addresses',
            description: 'Where it writes from: addresses or ranges such as 192.0.2.0/24.',
            items: { type: 'string', pattern: '^[0-9A-Fa-f.:]+(?:/\\d{1,3})?$', maxLength: 50 },
            maxItems: 100,
          },
          user: {
            type: 'string',
            title: 'Name for signing in',
            description: 'With the secret peer:<name>, for digest in both directions.',
            maxLength: 255,
          },
          certificateName: {
            type: 'string',
            title: 'Name in its certificate',
            description: 'The host name that its certificate must be for.',
            maxLength: 255,
          },
          identity: {
            type: 'string',
            title: 'Asserted identities',
            description:
              'Whether what it asserts of callers and senders (P-Asserted-Identity, RFC 3325) is believed, and ours told it.',
            enum: identities,
            default: 'ignore',
          },
          rate: {
            type: 'integer',
            title: 'Requests per second',
            description: 'No more than so many are taken from it, or sent to it, in a second.',
            minimum: 1,
            maximum: 100_000,
            default: 200,
          },
        },
      },
      minItems: 1,
      maxItems: 100,
    },
  },
};

export interface TrunkSettings {
  readonly domains: readonly string[];
  readonly listen: readonly {
    readonly transport: TrunkTransport;
    readonly host: string;
    readonly port: number;
  }[];
  readonly publicHost?: string;
  readonly serverCertificate?: string;
  readonly digest: DigestChoice;
  readonly peers: readonly PeerSettings[];
}

export interface PeerSettings {
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly transport: TrunkTransport;
  readonly domains: readonly string[];
  readonly trust: PeerTrust;
  readonly addresses: readonly string[];
  readonly user?: string;
  readonly certificateName?: string;
  readonly believesIdentity: boolean;
  /** Requests per second, each way. */
  readonly rate: number;
}

/** Reads a trunk's settings that have passed the schema. */
export function readTrunk(value: JsonValue | undefined): TrunkSettings {
  const raw = fieldsOf(value);
  const publicHost = hostIn(raw, 'publicHost');
  const serverCertificate = textIn(raw, 'serverCertificate');
  return {
    domains: textsIn(raw, 'domains').map((domain) => domain.toLowerCase()),
    listen: objectsIn(raw, 'listen').map((one) => ({
      transport: transportIn(one),
      host: hostIn(one) ?? '127.0.0.1',
      port: numberIn(one, 'port') ?? 5060,
    })),
    ...(publicHost !== undefined && { publicHost }),
    ...(serverCertificate !== undefined && { serverCertificate }),
    digest: digests.find((one) => one === raw['digest']) ?? 'compatible',
    peers: objectsIn(raw, 'peers').map(readPeer),
  };
}

function readPeer(raw: JsonObject): PeerSettings {
  const host = hostIn(raw);
  const port = numberIn(raw, 'port');
  const user = textIn(raw, 'user');
  const certificateName = textIn(raw, 'certificateName');
  return {
    name: textIn(raw, 'name') ?? '',
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    transport: transportIn(raw),
    domains: textsIn(raw, 'domains').map((domain) => domain.toLowerCase()),
    trust: trusts.find((one) => one === raw['trust']) ?? 'address',
    addresses: textsIn(raw, 'addresses'),
    ...(user !== undefined && { user }),
    ...(certificateName !== undefined && { certificateName }),
    believesIdentity: raw['identity'] === 'believe',
    rate: numberIn(raw, 'rate') ?? 200,
  };
}

function transportIn(raw: JsonObject): TrunkTransport {
  return transports.find((one) => one === raw['transport']) ?? 'udp';
}

function textsIn(raw: JsonObject, name: string): readonly string[] {
  const value = raw[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function objectsIn(raw: JsonObject, name: string): readonly JsonObject[] {
  const value = raw[name];
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}
