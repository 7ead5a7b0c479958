import type { JsonObject, JsonValue } from '#connector';

/**
 * The settings' schema (JSON Schema 2020-12): the form a person fills in, its validation and its documentation.
 * Most of it is for proofs: short times, small limits, a network that can tell less.
 */
export const settingsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['port', 'name'],
  properties: {
    host: { type: 'string', title: 'Host', default: '127.0.0.1', minLength: 1, maxLength: 253 },
    port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535 },
    name: {
      type: 'string',
      title: 'Name',
      description: 'Who logs in, and the address of the first account of the link.',
      pattern: '^[a-z0-9~+][a-z0-9._@-]{0,63}$',
    },
    network: {
      type: 'string',
      title: 'Network',
      description: 'The name in which addresses are unique; host and port where it is absent.',
      pattern: '^[a-z0-9.-]{1,64}$',
    },
    receipts: {
      type: 'boolean',
      title: 'Receipts',
      description: 'Whether the network tells what was delivered and read.',
      default: true,
    },
    receiptsById: {
      type: 'boolean',
      title: 'Receipts by id',
      description:
        'Whether receipts name messages by the network’s own ids only, as text message carriers do.',
      default: false,
    },
    resolvesUnknown: {
      type: 'boolean',
      title: 'Resolves unknown',
      description: 'Whether the network can be asked if it has seen a message.',
      default: true,
    },
    checkpoints: {
      type: 'boolean',
      title: 'Checkpoints',
      description:
        'Whether the position in the inbox is stored with the messages and given at the next login.',
      default: false,
    },
    maxTextBytes: {
      type: 'integer',
      title: 'Longest part',
      description: 'Texts past it, in bytes of UTF-8, are sent in several parts.',
      minimum: 16,
      maximum: 65_536,
      default: 65_536,
    },
    closed: {
      type: 'array',
      title: 'Closed addresses',
      description: 'Who may not be written to.',
      items: { type: 'string', minLength: 1, maxLength: 64 },
      maxItems: 100,
      default: [],
    },
    doorbellPort: {
      type: 'integer',
      title: 'Doorbell',
      description:
        'A port of this machine: whoever connects to it makes a link that waits try again at once.',
      minimum: 1,
      maximum: 65_535,
    },
    consentWords: {
      type: 'boolean',
      title: 'Consent words',
      description:
        'Whether somebody who says STOP is not written to any more, START again, and HELP is answered, as the law has it for text messages.',
      default: false,
    },
    quietUntil: {
      type: 'string',
      title: 'Quiet until',
      description: 'Before this moment people are not to be disturbed; rooms never are.',
      format: 'date-time',
    },
    flood: {
      type: 'object',
      title: 'Rate',
      additionalProperties: false,
      required: ['burst', 'perSecond'],
      properties: {
        burst: { type: 'integer', minimum: 1, maximum: 1_000_000 },
        perSecond: { type: 'number', exclusiveMinimum: 0, maximum: 1_000_000 },
      },
      default: { burst: 10_000, perSecond: 20_000 },
    },
    backoffMs: { type: 'integer', title: 'First back-off', minimum: 1, maximum: 60_000, default: 1_000 },
    backoffMaxMs: {
      type: 'integer',
      title: 'Longest back-off',
      minimum: 1,
      maximum: 600_000,
      default: 60_000,
    },
    connectMs: { type: 'integer', title: 'Connect within', minimum: 10, maximum: 60_000, default: 10_000 },
    answerMs: {
      type: 'integer',
      title: 'Answer within',
      description: 'A send without an answer by then is pending.',
      minimum: 10,
      maximum: 60_000,
      default: 5_000,
    },
    pingMs: {
      type: 'integer',
      title: 'Silence before a ping',
      description: 'A link that stays silent for as long again is dead.',
      minimum: 10,
      maximum: 600_000,
      default: 30_000,
    },
  },
};

export const secretsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties: {
    password: { type: 'string', title: 'Password', format: 'password', maxLength: 1_024 },
    webhookKey: {
      type: 'string',
      title: 'Webhook key',
      description: 'What the network signs its calls with; without it, it may not call.',
      format: 'password',
      maxLength: 1_024,
    },
  },
};

export const defaultFlood = { burst: 10_000, perSecond: 20_000 } as const;
export const longestPart = 65_536;
/** Where the doorbell hangs. */
export const doorbellHost = '127.0.0.1';

/** Settings with every default in its place. Times in milliseconds. */
export interface LoopbackSettings {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly network: string;
  readonly receipts: boolean;
  readonly receiptsById: boolean;
  readonly resolvesUnknown: boolean;
  readonly checkpoints: boolean;
  readonly maxTextBytes: number;
  readonly closed: readonly string[];
  readonly doorbellPort: number | undefined;
  readonly consentWords: boolean;
  readonly quietUntil: Date | undefined;
  readonly flood: { readonly burst: number; readonly perSecond: number };
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly connectMs: number;
  readonly answerMs: number;
  readonly pingMs: number;
}

/** Reads settings that have passed the schema. */
export function readSettings(raw: JsonObject): LoopbackSettings {
  const text = (key: string, otherwise: string): string => {
    const value = raw[key];
    return typeof value === 'string' ? value : otherwise;
  };
  const number = (value: JsonValue | undefined, otherwise: number): number =>
    typeof value === 'number' ? value : otherwise;
  const flag = (key: string, otherwise: boolean): boolean => {
    const value = raw[key];
    return typeof value === 'boolean' ? value : otherwise;
  };
  const host = text('host', '127.0.0.1');
  const port = number(raw['port'], 0);
  const flood = (raw['flood'] ?? defaultFlood) as JsonObject;
  return {
    host,
    port,
    name: text('name', ''),
    network: text('network', `${host}:${String(port)}`),
    receipts: flag('receipts', true),
    receiptsById: flag('receiptsById', false),
    resolvesUnknown: flag('resolvesUnknown', true),
    checkpoints: flag('checkpoints', false),
    maxTextBytes: number(raw['maxTextBytes'], longestPart),
    closed: Array.isArray(raw['closed']) ? raw['closed'].filter((one) => typeof one === 'string') : [],
    doorbellPort: typeof raw['doorbellPort'] === 'number' ? raw['doorbellPort'] : undefined,
    consentWords: flag('consentWords', false),
    quietUntil: text('quietUntil', '') === '' ? undefined : new Date(text('quietUntil', '')),
    flood: {
      burst: number(flood['burst'], defaultFlood.burst),
      perSecond: number(flood['perSecond'], defaultFlood.perSecond),
    },
    backoffMs: number(raw['backoffMs'], 1_000),
    backoffMaxMs: number(raw['backoffMaxMs'], 60_000),
    connectMs: number(raw['connectMs'], 10_000),
    answerMs: number(raw['answerMs'], 5_000),
    pingMs: number(raw['pingMs'], 30_000),
  };
}
