import type { JsonObject, Target } from '#connector';
import { clientKeyProperty, fieldsOf, textIn } from '#connector/session';
import { courtesySchema, readCourtesy, type Courtesy } from './courtesy.settings.js';
import { targetOf } from './drivers/http.js';
import { kannelSchema, readKannel, type KannelSettings } from './drivers/kannel.settings.js';
import { readSmpp, smppSchema, type SmppSettings } from './drivers/smpp.settings.js';
import { readSpool, spoolSchema, type SpoolSettings } from './drivers/spool.settings.js';
import { readTwilio, twilioSchema, type TwilioSettings } from './drivers/twilio.settings.js';
import { readWebhook, webhookSchema, type WebhookSettings } from './drivers/webhook.settings.js';
import { ownNumbers } from './sms.addresses.js';

/** The ways to send, each with settings of its own under its name. */
const drivers = ['smpp', 'spool', 'twilio', 'webhook', 'kannel'] as const;
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
        'What connects to the network: SMPP to a message centre, Twilio or who speaks as it does, any provider over HTTP (webhook), Kannel, or a modem at the server (spool).',
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
    twilio: twilioSchema,
    webhook: webhookSchema,
    kannel: kannelSchema,
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
      description: 'Of the account at the message centre, or of the user at Kannel.',
      maxLength: 255,
    },
    clientKey: clientKeyProperty,
    authToken: {
      type: 'string',
      title: 'Auth token',
      description: 'Of the account at Twilio or its like. It signs what the provider calls us with.',
      maxLength: 255,
    },
    apiKeySecret: {
      type: 'string',
      title: 'Secret of the API key',
      description: 'Of the API key to send with, where one is set.',
      maxLength: 255,
    },
    webhookToken: {
      type: 'string',
      title: 'Token of the webhook',
      description: 'What stands for {{token}} in what we send.',
      maxLength: 4_096,
    },
    webhookKey: {
      type: 'string',
      title: 'Key of the webhook',
      description: 'What the provider signs with, or shows, when it calls us.',
      maxLength: 4_096,
    },
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
  readonly twilio: TwilioSettings;
  readonly webhook: WebhookSettings;
  readonly kannel: KannelSettings;
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
    twilio: readTwilio(fieldsOf(raw['twilio'])),
    webhook: readWebhook(fieldsOf(raw['webhook'])),
    kannel: readKannel(fieldsOf(raw['kannel'])),
  };
}

/** Every host that a session with these settings would connect to. */
export function targetsOf({ driver, smpp, twilio, webhook, kannel }: SmsSettings): readonly Target[] {
  switch (driver) {
    case 'smpp':
      return [{ host: smpp.host, port: smpp.port }];
    case 'spool':
      return [];
    case 'twilio':
      return [targetOf(new URL(twilio.url))];
    case 'webhook':
      return [targetOf(new URL(webhook.url))];
    case 'kannel':
      return [targetOf(new URL(kannel.url))];
  }
}
