import type { JsonObject } from '#connector';
import { numberIn, textIn } from '#connector/session';
import { perSecondProperty } from './provider.settings.js';

/** JSON Schema of what the driver for Twilio, and for those who speak as Twilio does, is told. */
export const twilioSchema: JsonObject = {
  type: 'object',
  title: 'Twilio',
  additionalProperties: false,
  required: ['accountSid'],
  properties: {
    accountSid: {
      type: 'string',
      title: 'Account SID',
      description: 'The name of the account at the provider.',
      pattern: '^[A-Za-z0-9-]{2,64}$',
    },
    apiKey: {
      type: 'string',
      title: 'API key',
      description:
        'SID of a key to send with; its secret is a secret. Without it we send with the auth token. The auth token is needed either way: the provider signs with it.',
      pattern: '^[A-Za-z0-9-]{2,64}$',
    },
    messagingService: {
      type: 'string',
      title: 'Messaging service',
      description: 'SID of the messaging service that our numbers belong to, if any.',
      pattern: '^[A-Za-z0-9-]{2,64}$',
    },
    url: {
      type: 'string',
      title: 'Address of the API',
      description: 'What comes before /2010-04-01 for another provider that speaks as Twilio does.',
      format: 'uri',
      pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$',
      maxLength: 2_000,
      default: 'https://api.twilio.com',
    },
    perSecond: perSecondProperty,
  },
};

export interface TwilioSettings {
  readonly accountSid: string;
  readonly apiKey: string | undefined;
  readonly messagingService: string | undefined;
  /** Without a slash at its end. */
  readonly url: string;
  readonly perSecond: number | undefined;
}

/** Reads settings that have passed the schema; those of another driver name no account. */
export function readTwilio(raw: JsonObject): TwilioSettings {
  return {
    accountSid: textIn(raw, 'accountSid') ?? '',
    apiKey: textIn(raw, 'apiKey'),
    messagingService: textIn(raw, 'messagingService'),
    url: (textIn(raw, 'url') ?? 'https://api.twilio.com').replace(/\/+$/, ''),
    perSecond: numberIn(raw, 'perSecond'),
  };
}
