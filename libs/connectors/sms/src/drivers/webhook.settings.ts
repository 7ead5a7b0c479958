import type { JsonObject, JsonValue } from '#connector';
import { fieldsOf, numberIn, textIn, tlsChoicesIn, type TlsChoices } from '#connector/session';
import { ownTrust, perSecondProperty } from './provider.settings.js';

const methods = ['POST', 'PUT', 'GET'] as const;
const states = ['sent', 'delivered', 'read', 'failed', 'unknown'] as const;
export type ReportedState = (typeof states)[number];

const place = (title: string, description: string): JsonObject => ({
  type: 'string',
  title,
  description,
  minLength: 1,
  maxLength: 200,
});
const where = 'A JSON pointer (RFC 6901) such as /message/id, or the name of a form or query field.';
const pointer = (title: string): JsonObject => ({
  type: 'string',
  title,
  description: 'A JSON pointer (RFC 6901) such as /messages/0/id.',
  pattern: '^(/[^\\s]*)+$',
  maxLength: 200,
});
const texts: JsonObject = {
  type: 'object',
  maxProperties: 50,
  additionalProperties: { type: 'string', maxLength: 4_000 },
};

/** JSON Schema of what the driver for any provider over HTTP is told. */
export const webhookSchema: JsonObject = {
  type: 'object',
  title: 'Any provider over HTTP',
  description:
    'In the address (behind the host), headers, JSON and form, {{to}}, {{from}}, {{text}}, {{id}}, {{callback}} (where the provider may tell what became of this text) and {{token}} (a secret) are replaced.',
  additionalProperties: false,
  required: ['url'],
  not: { required: ['json', 'form'] },
  properties: {
    url: {
      type: 'string',
      title: 'Address',
      pattern: '^https?://[^\\s/?#@{}]+([/?][^\\s#]*)?$',
      maxLength: 2_000,
    },
    method: { type: 'string', title: 'Method', enum: methods, default: 'POST' },
    headers: { ...texts, title: 'Headers' },
    json: {
      type: 'object',
      title: 'Body as JSON',
      description:
        'Texts in it are templates. A list of nothing but {{to}} holds all members of a group; without one, groups are refused.',
    },
    form: { ...texts, title: 'Body as a form' },
    answer: {
      type: 'object',
      title: 'In the answer',
      additionalProperties: false,
      properties: {
        id: pointer('The provider’s id of the text'),
        error: pointer('What went wrong: where there is something, the text was refused'),
      },
    },
    inbound: {
      type: 'object',
      title: 'Texts that come',
      description: 'How the provider calls the address of the account.',
      additionalProperties: false,
      required: ['from', 'to', 'text'],
      properties: {
        items: pointer('The list of several; what follows is then inside each'),
        from: place('Sender', where),
        to: place('Our number', where),
        text: place('Text', where),
        members: pointer('The members of a group, ours and the sender’s among them or not'),
        id: place('The provider’s id', `${where} What comes again under the same is dropped.`),
      },
    },
    status: {
      type: 'object',
      title: 'What became of our texts',
      additionalProperties: false,
      required: ['state', 'states'],
      properties: {
        items: pointer('The list of several; what follows is then inside each'),
        id: place('The provider’s id', `${where} Not needed where the provider calls {{callback}}.`),
        state: place('State', where),
        error: place('What went wrong', where),
        states: {
          type: 'object',
          title: 'The provider’s words',
          description: 'What each word of the provider means. Words that are not here mean nothing.',
          examples: [{ DELIVERED: 'delivered', EXPIRED: 'failed' }],
          maxProperties: 100,
          additionalProperties: { type: 'string', enum: states },
        },
      },
    },
    signature: {
      type: 'object',
      title: 'How the provider shows that it is it',
      description: 'With the secret key of the webhook. Without this whoever knows the address may call.',
      additionalProperties: false,
      required: ['way', 'header'],
      properties: {
        way: {
          type: 'string',
          title: 'Way',
          description: 'HMAC-SHA-256 over the body in hexadecimal or base64, or the key itself.',
          enum: ['hex', 'base64', 'key'],
        },
        header: { type: 'string', title: 'Header', pattern: '^[A-Za-z0-9-]{1,64}$' },
        prefix: {
          type: 'string',
          title: 'What stands before it',
          description: 'Such as sha256= or Bearer and a space.',
          maxLength: 40,
        },
        timestamp: {
          type: 'string',
          title: 'Header with the time',
          description:
            'Then it is signed too, before the body and a dot; what is older than the tolerance is a replay.',
          pattern: '^[A-Za-z0-9-]{1,64}$',
        },
        toleranceSeconds: { type: 'integer', title: 'Tolerance', minimum: 1, maximum: 86_400, default: 300 },
      },
    },
    perSecond: perSecondProperty,
    ...ownTrust(),
  },
};

export interface SignatureSettings {
  readonly way: 'hex' | 'base64' | 'key';
  /** In lower case. */
  readonly header: string;
  readonly prefix: string;
  readonly timestamp: string | undefined;
  readonly toleranceMs: number;
}

export interface InboundPlaces {
  readonly items: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly members: string | undefined;
  readonly id: string | undefined;
}

export interface StatusPlaces {
  readonly items: string | undefined;
  readonly id: string | undefined;
  readonly state: string;
  readonly error: string | undefined;
  readonly states: ReadonlyMap<string, ReportedState>;
}

export interface WebhookSettings extends TlsChoices {
  readonly url: string;
  readonly method: (typeof methods)[number];
  readonly headers: Readonly<Record<string, string>>;
  readonly json: JsonObject | undefined;
  readonly form: Readonly<Record<string, string>> | undefined;
  readonly answer: { readonly id: string | undefined; readonly error: string | undefined };
  readonly inbound: InboundPlaces | undefined;
  readonly status: StatusPlaces | undefined;
  readonly signature: SignatureSettings | undefined;
  readonly perSecond: number | undefined;
}

/** Reads settings that have passed the schema; those of another driver lead nowhere. */
export function readWebhook(raw: JsonObject): WebhookSettings {
  const answer = fieldsOf(raw['answer']);
  return {
    url: textIn(raw, 'url') ?? '',
    method: methods.find((one) => one === raw['method']) ?? 'POST',
    headers: textsIn(raw['headers']),
    json: raw['json'] === undefined ? undefined : fieldsOf(raw['json']),
    form: raw['form'] === undefined ? undefined : textsIn(raw['form']),
    answer: { id: textIn(answer, 'id'), error: textIn(answer, 'error') },
    inbound: raw['inbound'] === undefined ? undefined : inboundIn(fieldsOf(raw['inbound'])),
    status: raw['status'] === undefined ? undefined : statusIn(fieldsOf(raw['status'])),
    signature: raw['signature'] === undefined ? undefined : signatureIn(fieldsOf(raw['signature'])),
    perSecond: numberIn(raw, 'perSecond'),
    ...tlsChoicesIn(raw),
  };
}

function inboundIn(raw: JsonObject): InboundPlaces {
  return {
    items: textIn(raw, 'items'),
    from: textIn(raw, 'from') ?? '',
    to: textIn(raw, 'to') ?? '',
    text: textIn(raw, 'text') ?? '',
    members: textIn(raw, 'members'),
    id: textIn(raw, 'id'),
  };
}

function statusIn(raw: JsonObject): StatusPlaces {
  const words = Object.entries(textsIn(raw['states'])).flatMap(([word, state]) => {
    const meant = states.find((one) => one === state);
    return meant === undefined ? [] : [[word, meant] as const];
  });
  return {
    items: textIn(raw, 'items'),
    id: textIn(raw, 'id'),
    state: textIn(raw, 'state') ?? '',
    error: textIn(raw, 'error'),
    states: new Map(words),
  };
}

function signatureIn(raw: JsonObject): SignatureSettings {
  return {
    way: (['base64', 'key'] as const).find((one) => one === raw['way']) ?? 'hex',
    header: (textIn(raw, 'header') ?? '').toLowerCase(),
    prefix: textIn(raw, 'prefix') ?? '',
    timestamp: textIn(raw, 'timestamp')?.toLowerCase(),
    toleranceMs: (numberIn(raw, 'toleranceSeconds') ?? 300) * 1_000,
  };
}

function textsIn(value: JsonValue | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([name, one]) => (typeof one === 'string' ? [[name, one]] : [])),
  );
}
