import type { JsonObject } from '#connector';
import { numberIn, textIn, tlsChoicesIn, type TlsChoices } from '#connector/session';
import { ownTrust, perSecondProperty } from './provider.settings.js';

/** JSON Schema of what the driver for Kannel is told. */
export const kannelSchema: JsonObject = {
  type: 'object',
  title: 'Kannel',
  description:
    'What Kannel tells us goes to the address of the account: as get-url of a sms-service it is followed by ?from=%p&to=%P&text=%b&coding=%c&charset=%C&udh=%u&id=%I, with max-messages = 0, so that no answer goes back to the phone.',
  additionalProperties: false,
  required: ['url', 'username'],
  properties: {
    url: {
      type: 'string',
      title: 'Address of sendsms',
      description: 'Such as http://kannel.example.org:13013/cgi-bin/sendsms.',
      format: 'uri',
      pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$',
      maxLength: 2_000,
    },
    username: {
      type: 'string',
      title: 'User',
      description: 'Of the sendsms-user. Its password is a secret.',
      minLength: 1,
      maxLength: 64,
    },
    smsc: {
      type: 'string',
      title: 'SMSC',
      description: 'The smsc-id that texts leave by, where it is not for Kannel to choose.',
      minLength: 1,
      maxLength: 64,
    },
    receipts: {
      type: 'boolean',
      title: 'Receipts',
      description: 'Whether Kannel is asked to tell what became of a text.',
      default: true,
    },
    perSecond: perSecondProperty,
    ...ownTrust(),
  },
};

export interface KannelSettings extends TlsChoices {
  readonly url: string;
  readonly username: string;
  readonly smsc: string | undefined;
  readonly receipts: boolean;
  readonly perSecond: number | undefined;
}

/** Reads settings that have passed the schema; those of another driver lead nowhere. */
export function readKannel(raw: JsonObject): KannelSettings {
  return {
    url: textIn(raw, 'url') ?? '',
    username: textIn(raw, 'username') ?? '',
    smsc: textIn(raw, 'smsc'),
    receipts: raw['receipts'] !== false,
    perSecond: numberIn(raw, 'perSecond'),
    ...tlsChoicesIn(raw),
  };
}
