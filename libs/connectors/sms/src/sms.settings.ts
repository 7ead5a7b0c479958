import type { JsonObject, Target } from '#connector';
import { clientKeyProperty, fieldsOf, textIn } from '#connector/session';
import { courtesySchema, readCourtesy, type Courtesy } from './courtesy.settings.js';
import { readSmpp, smppSchema, type SmppSettings } from './drivers/smpp.settings.js';
import { readSpool, spoolSchema, type SpoolSettings } from './drivers/spool.settings.js';
import { ownNumbers } from './sms.addresses.js';

/** The ways to send, each with settings of its own under its name. */
const drivers = ['smpp', 'spool'] as const;
export type DriverName = (typeof drivers)[number];

/** JSON Schema of the settings: form, validation and docs in one. */
export const settingsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['driver', 'numbers'],
  allOf: drivers.map((name) => ({
    if: { properties: { driver: { const: name } }, required: ['driver'] },
    then: { required: [name] },
  })),
  properties: {
    driver: {
      type: 'string',
      title: 'Way of sending',
      description:
        'What connects to the network: SMPP to a message centre, or a modem at the server (spool).',
      enum: drivers,
    },
    numbers: {
      type: 'array',
      title: 'Own numbers',
      description:
        'The numbers, short codes and names that texts are sent from. The first is used where nothing else is said.',
      examples: [['+12025550100', '12345']],
      items: { type: 'string', minLength: 1, maxLength: 20 },
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
    },
    region: {
      type: 'string',
      title: 'Country',
      description: 'Where numbers without a country code belong, as two letters (ISO 3166), such as DE.',
      pattern: '^[A-Z]{2}$',
    },
    coding: {
      type: 'string',
      title: 'Characters',
      description:
        "How texts are written: as short as possible (auto), with what has no short form replaced by something alike first (plain: ’ becomes '), or always as Unicode.",
      enum: ['auto', 'plain', 'unicode'],
      default: 'auto',
    },
    ...courtesySchema,
    smpp: smppSchema,
    spool: spoolSchema,
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
      description: 'Of the account at the message centre.',
      maxLength: 255,
    },
    clientKey: clientKeyProperty,
  },
};

export interface SmsSettings {
  readonly driver: DriverName;
  /** Canonical, in their order. */
  readonly numbers: readonly string[];
  readonly region?: string;
  readonly coding: 'auto' | 'plain' | 'unicode';
  readonly courtesy: Courtesy;
  readonly smpp: SmppSettings;
  readonly spool: SpoolSettings;
}

/** Reads settings that have passed the schema, with what they leave unsaid filled in. */
export function readSettings(raw: JsonObject): SmsSettings {
  const region = textIn(raw, 'region');
  return {
    driver: drivers.find((one) => one === raw['driver']) ?? 'smpp',
    numbers: ownNumbers(raw),
    ...(region !== undefined && { region }),
    coding: (['plain', 'unicode'] as const).find((one) => one === raw['coding']) ?? 'auto',
    courtesy: readCourtesy(raw),
    smpp: readSmpp(fieldsOf(raw['smpp'])),
    spool: readSpool(fieldsOf(raw['spool'])),
  };
}

/** Every host that a session with these settings would connect to. */
export function targetsOf({ driver, smpp }: SmsSettings): readonly Target[] {
  return driver === 'smpp' ? [{ host: smpp.host, port: smpp.port }] : [];
}
