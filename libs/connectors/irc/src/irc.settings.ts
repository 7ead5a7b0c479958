import type { JsonObject, JsonValue } from '#connector';
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
import { mechanisms, type SaslMechanism } from './sasl.js';

/** Encodings of old clients (WHATWG names). In none of them is a line end part of a character. */
const encodings = [
  'windows-1252',
  'iso-8859-2',
  'iso-8859-15',
  'windows-1250',
  'windows-1251',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'koi8-r',
  'koi8-u',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'gb18030',
  'big5',
];

const waysIn = ['sasl', 'services', 'auto'] as const;

/** 25 MiB. */
const defaultDccMaxBytes = 26_214_400;

/** JSON Schema of the settings: form, validation and docs in one. */
export const settingsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['host', 'nick'],
  properties: {
    ...serverProperties({
      host: { description: 'Host name or address of the IRC server.', examples: ['irc.example.org'] },
      port: '6697 with TLS and 6667 without, unless said otherwise.',
    }),
    tls: {
      type: 'boolean',
      title: 'TLS',
      description: 'Without it, passwords and messages travel readable.',
      default: true,
    },
    ...tlsProperties('SASL EXTERNAL, CertFP'),
    nick: {
      type: 'string',
      title: 'Nick',
      description: 'The name to go by. While it is taken another is used, and this one asked for again.',
      examples: ['alice'],
      minLength: 1,
      maxLength: 64,
      pattern: '^[^\\s,!@:#&+$0-9-][^\\s,!@:]*$',
    },
    alternateNicks: {
      type: 'array',
      title: 'Other nicks',
      description:
        'Tried in this order while the nick is taken. After them, the nick with underscores and digits.',
      items: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[^\\s,!@:#&+$0-9-][^\\s,!@:]*$' },
      maxItems: 10,
      default: [],
    },
    username: {
      type: 'string',
      title: 'User name',
      description: 'The user in nick!user@host; the nick unless said otherwise.',
      minLength: 1,
      maxLength: 32,
      pattern: '^[^\\s@!:]+$',
    },
    realName: { type: 'string', title: 'Real name', description: 'Shown in WHOIS.', maxLength: 120 },
    saslAccount: {
      type: 'string',
      title: 'Services account',
      description:
        'The account to sign in to by SASL. With it, the session never goes on without being signed in.',
      minLength: 1,
      maxLength: 64,
      pattern: '^\\S+$',
    },
    saslMechanism: {
      type: 'string',
      title: 'Sign-in mechanism',
      description:
        'The only SASL mechanism to use. Unless said otherwise the strongest that the server offers: EXTERNAL (with a client certificate), SCRAM-SHA-256, PLAIN.',
      enum: mechanisms,
    },
    signIn: {
      type: 'string',
      title: 'Ways to sign in',
      description:
        'By SASL alone; by writing to the services (NickServ) after the welcome; or by SASL where it is offered and else by writing to them. Who writes trusts whoever goes by that nick.',
      enum: waysIn,
      default: 'sasl',
    },
    servicesNick: {
      type: 'string',
      title: 'Services',
      description:
        'Whom to write to for signing in and for taking the nick back. With a server (NickServ@services.example.org) nobody else can read it.',
      minLength: 1,
      maxLength: 128,
      pattern: '^[^\\s,:#&]+$',
      default: 'NickServ',
    },
    regainNick: {
      type: 'boolean',
      title: 'Take the nick back',
      description:
        'Has the services take the nick from whoever holds it, once signed in. It may be another client of one’s own.',
      default: false,
    },
    bot: {
      type: 'boolean',
      title: 'Bot',
      description: 'Marks the session as a bot where the network has a mark for it.',
      default: false,
    },
    dccAccept: {
      type: 'boolean',
      title: 'Take files by DCC',
      description:
        'Fetches files that others offer (DCC SEND). Whoever offers one learns the address of this server. Without it every offer is told and declined.',
      default: false,
    },
    dccMaxBytes: {
      type: 'integer',
      title: 'Largest file by DCC',
      description: 'In bytes. No more than this is read, whatever the offer says.',
      minimum: 1,
      maximum: 1_073_741_824,
      default: defaultDccMaxBytes,
    },
    encoding: {
      type: 'string',
      title: 'Old encoding',
      description: 'How lines are read that are not UTF-8. What we write is always UTF-8.',
      enum: encodings,
      default: 'windows-1252',
    },
    burst: {
      type: 'integer',
      title: 'Lines at once',
      description:
        'How many lines may leave at once before the steady rate holds. Raise it only where you may.',
      minimum: 1,
      maximum: 10_000,
      default: 10,
    },
    linesPerSecond: {
      type: 'number',
      title: 'Lines per second',
      description: 'The steady rate after that.',
      exclusiveMinimum: 0,
      maximum: 10_000,
      default: 0.5,
    },
  },
};

/** JSON Schema of the secrets. */
export const secretsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties: {
    password: {
      type: 'string',
      title: 'Password',
      description: 'Of the services account, for SASL.',
      maxLength: 512,
    },
    serverPassword: {
      type: 'string',
      title: 'Server password',
      description: 'Of the server itself (PASS); few networks have one, bouncers do.',
      maxLength: 512,
    },
    clientKey: clientKeyProperty,
  },
};

export interface IrcSettings extends TlsChoices {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly nick: string;
  readonly alternateNicks: readonly string[];
  readonly username: string;
  readonly realName: string;
  readonly saslAccount?: string;
  readonly saslMechanism?: SaslMechanism;
  readonly signIn: (typeof waysIn)[number];
  readonly servicesNick: string;
  readonly regainNick: boolean;
  readonly bot: boolean;
  /** Whether files that others offer by DCC are fetched, and how many bytes at most. */
  readonly dccAccept: boolean;
  readonly dccMaxBytes: number;
  readonly encoding: string;
  readonly burst: number;
  readonly linesPerSecond: number;
  /** Whether the person has said how fast: then no server is believed to bear more. */
  readonly paced: boolean;
}

/** Reads settings that have passed the schema, with what they leave unsaid filled in. */
export function readSettings(raw: JsonObject): IrcSettings {
  const tls = raw['tls'] !== false;
  const nick = textIn(raw, 'nick') ?? '';
  const saslAccount = textIn(raw, 'saslAccount');
  const saslMechanism = mechanisms.find((one) => one === raw['saslMechanism']);
  const alternates = raw['alternateNicks'];
  return {
    host: hostIn(raw) ?? '',
    port: numberIn(raw, 'port') ?? (tls ? 6697 : 6667),
    tls,
    ...tlsChoicesIn(raw),
    nick,
    alternateNicks: Array.isArray(alternates)
      ? (alternates as readonly JsonValue[]).filter(
          (one): one is string => typeof one === 'string' && one !== '',
        )
      : [],
    username: textIn(raw, 'username') ?? usernameFrom(nick),
    realName: textIn(raw, 'realName') ?? nick,
    ...(saslAccount !== undefined && { saslAccount }),
    ...(saslMechanism !== undefined && { saslMechanism }),
    signIn: waysIn.find((one) => one === raw['signIn']) ?? 'sasl',
    servicesNick: textIn(raw, 'servicesNick') ?? 'NickServ',
    regainNick: raw['regainNick'] === true,
    bot: raw['bot'] === true,
    dccAccept: raw['dccAccept'] === true,
    dccMaxBytes: numberIn(raw, 'dccMaxBytes') ?? defaultDccMaxBytes,
    encoding: textIn(raw, 'encoding') ?? 'windows-1252',
    burst: numberIn(raw, 'burst') ?? 10,
    linesPerSecond: numberIn(raw, 'linesPerSecond') ?? 0.5,
    paced: raw['burst'] !== undefined || raw['linesPerSecond'] !== undefined,
  };
}

/** Servers take letters and digits in a user name and little else. */
function usernameFrom(nick: string): string {
  const plain = nick.toLowerCase().replace(/[^a-z0-9]/g, '');
  return plain === '' ? 'user' : plain.slice(0, 10);
}
