import type { JsonObject } from '#connector';
import {
  hostIn,
  numberIn,
  serverProperties,
  textIn,
  tlsChoicesIn,
  tlsProperties,
  type TlsChoices,
} from '#connector/session';

const binds = ['transceiver', 'pair'] as const;

/** JSON Schema of what the SMPP driver is told. */
export const smppSchema: JsonObject = {
  type: 'object',
  title: 'SMPP',
  additionalProperties: false,
  required: ['host', 'systemId'],
  properties: {
    ...serverProperties({
      host: { title: 'Message centre', description: 'Host name or address.' },
      port: '2775, or 3550 with TLS, unless said otherwise.',
    }),
    tls: {
      type: 'boolean',
      title: 'TLS',
      description: 'Without it, password and texts travel readable.',
      default: true,
    },
    ...tlsProperties('where the message centre asks for one'),
    systemId: {
      type: 'string',
      title: 'System id',
      description: 'The name of the account at the message centre.',
      minLength: 1,
      maxLength: 15,
      pattern: '^[\\x21-\\x7e]+$',
    },
    systemType: {
      type: 'string',
      title: 'System type',
      description: 'Where the message centre asks for one.',
      maxLength: 12,
      pattern: '^[\\x20-\\x7e]*$',
    },
    addressRange: {
      type: 'string',
      title: 'Address range',
      description: 'Which numbers are ours, where the message centre asks for it.',
      maxLength: 40,
      pattern: '^[\\x20-\\x7e]*$',
    },
    binds: {
      type: 'integer',
      title: 'Connections',
      description: 'How many connections are kept at once; they share what is sent.',
      minimum: 1,
      maximum: 10,
      default: 1,
    },
    bind: {
      type: 'string',
      title: 'Kind of connection',
      description: 'Both ways on each connection (transceiver), or one to send and one to receive (pair).',
      enum: binds,
      default: 'transceiver',
    },
    window: {
      type: 'integer',
      title: 'Window',
      description: 'Texts on their way and not answered, on each connection.',
      minimum: 1,
      maximum: 1_000,
      default: 10,
    },
    perSecond: {
      type: 'number',
      title: 'Texts a second',
      description: 'The most that the message centre takes, parts counted. No limit unless said.',
      exclusiveMinimum: 0,
      maximum: 10_000,
    },
    longTexts: {
      type: 'string',
      title: 'Long texts',
      description:
        'How a text of several parts is marked: in each part (udh, what phones know), with a wider count (udh16), in fields beside the text (sar), or in one piece (payload) that the message centre cuts.',
      enum: ['udh', 'udh16', 'sar', 'payload'],
      default: 'udh',
    },
    receipts: {
      type: 'boolean',
      title: 'Receipts',
      description: 'Asks the network to say when a text has arrived.',
      default: true,
    },
    messageIds: {
      type: 'string',
      title: 'Ids in receipts',
      description:
        'How a receipt writes the id that the answer gave: the same, decimal where the answer was hexadecimal, or the reverse. Found out by itself (auto) unless said.',
      enum: ['auto', 'same', 'hex-decimal', 'decimal-hex'],
      default: 'auto',
    },
    validityMinutes: {
      type: 'integer',
      title: 'Validity',
      description: 'How long the network tries to deliver, in minutes.',
      minimum: 1,
      maximum: 40_320,
    },
    defaultCoding: {
      type: 'string',
      title: 'Default alphabet',
      description: 'What the message centre means by its default alphabet (data_coding 0).',
      enum: ['gsm', 'latin1', 'ascii'],
      default: 'gsm',
    },
  },
};

export interface SmppSettings extends TlsChoices {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly systemId: string;
  readonly systemType: string;
  readonly addressRange: string;
  readonly binds: number;
  readonly bind: (typeof binds)[number];
  /** Requests without an answer, on each bind. */
  readonly window: number;
  /** Parts a second over all binds; undefined: no limit. */
  readonly perSecond?: number;
  readonly longTexts: 'udh' | 'udh16' | 'sar' | 'payload';
  readonly receipts: boolean;
  readonly messageIds: 'auto' | 'same' | 'hex-decimal' | 'decimal-hex';
  readonly validityMinutes?: number;
  readonly defaultCoding: 'gsm' | 'latin1' | 'ascii';
}

/** Reads what the schema has passed. */
export function readSmpp(raw: JsonObject): SmppSettings {
  const tls = raw['tls'] !== false;
  const perSecond = numberIn(raw, 'perSecond');
  const validityMinutes = numberIn(raw, 'validityMinutes');
  return {
    host: hostIn(raw) ?? '',
    port: numberIn(raw, 'port') ?? (tls ? 3550 : 2775),
    tls,
    ...tlsChoicesIn(raw),
    systemId: textIn(raw, 'systemId') ?? '',
    systemType: textIn(raw, 'systemType') ?? '',
    addressRange: textIn(raw, 'addressRange') ?? '',
    binds: numberIn(raw, 'binds') ?? 1,
    bind: binds.find((one) => one === raw['bind']) ?? 'transceiver',
    window: numberIn(raw, 'window') ?? 10,
    ...(perSecond !== undefined && { perSecond }),
    longTexts: (['udh16', 'sar', 'payload'] as const).find((one) => one === raw['longTexts']) ?? 'udh',
    receipts: raw['receipts'] !== false,
    messageIds:
      (['same', 'hex-decimal', 'decimal-hex'] as const).find((one) => one === raw['messageIds']) ?? 'auto',
    ...(validityMinutes !== undefined && { validityMinutes }),
    defaultCoding: (['latin1', 'ascii'] as const).find((one) => one === raw['defaultCoding']) ?? 'gsm',
  };
}
