import type { JsonObject } from '#connector';
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
import { mechanisms, type SaslMechanism } from './core/sasl.js';
import { jidOf, type Jid } from './xmpp.addresses.js';

const modes = ['account', 'component'] as const;
const securities = ['starttls', 'direct', 'none'] as const;
/** How the stream is secured; `none` is for a server on the same machine. */
export type Security = (typeof securities)[number];

/** JSON Schema of the settings: form, validation and docs in one. */
export const settingsSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  // Ajv reads these; a form shows all.
  if: { properties: { mode: { const: 'component' } }, required: ['mode'] },
  then: { required: ['component'] },
  else: { required: ['jid'] },
  properties: {
    mode: {
      type: 'string',
      title: 'Kind',
      description:
        'An account of a person, or a component of the server (XEP-0114): then many accounts share the link, each with an address under the domain of the component.',
      enum: modes,
      default: 'account',
    },
    component: {
      type: 'string',
      title: 'Domain of the component',
      description: 'The domain that the server hands to the component, such as gateway.example.org.',
      examples: ['gateway.example.org'],
      minLength: 1,
      maxLength: 1_023,
      pattern: '^[^\\s@/]+$',
    },
    jid: {
      type: 'string',
      title: 'XMPP address',
      description: 'The address (JID) of the account, such as alice@example.org.',
      examples: ['alice@example.org'],
      minLength: 1,
      maxLength: 3_071,
      pattern: '^[^\\s@/]+@[^\\s@/]+$',
    },
    ...serverProperties({
      host: {
        description: 'Host name or address to connect to. Found by the domain of the address unless said.',
      },
      port: '5222, 5223 with direct TLS, or 5347 for a component, unless said otherwise. Counts only with a server.',
    }),
    security: {
      type: 'string',
      title: 'Security',
      description:
        'TLS after a greeting in clear (STARTTLS), TLS from the first byte (direct), or none. Without TLS, passwords and messages travel readable. Where the server is found by the domain, both ways are tried. A component has TLS from the first byte or none.',
      enum: securities,
      default: 'starttls',
    },
    ...tlsProperties('SASL EXTERNAL'),
    mechanism: {
      type: 'string',
      title: 'Way of signing in',
      description:
        'The one SASL mechanism to use. Unless said, the strongest that the server offers. Where TLS ends before the server, name one without PLUS: those are bound to the connection.',
      enum: mechanisms,
    },
    resource: {
      type: 'string',
      title: 'Resource',
      description: 'The name of this device among those of the account. The server chooses one unless said.',
      minLength: 1,
      maxLength: 200,
    },
    priority: {
      type: 'integer',
      title: 'Priority',
      description: 'Among the devices of the account. With a negative one the server sends no messages here.',
      minimum: -128,
      maximum: 127,
      default: 0,
    },
    firstHistoryDays: {
      type: 'integer',
      title: 'Days of history at first',
      description:
        'How far back the archive is taken in when the account first connects. What is older can be asked for at any time.',
      minimum: 0,
      maximum: 365,
      default: 7,
    },
    archiveAll: {
      type: 'boolean',
      title: 'Have everything archived',
      description:
        'Sets the server’s archive to keep all messages. Without it the server’s own preferences stay as they are.',
      default: false,
    },
    register: {
      type: 'boolean',
      title: 'Make the account',
      description:
        'Asks the server to make the account (XEP-0077) where signing in is refused, if it allows that.',
      default: false,
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
      description: 'Of the account; the secret of a component.',
      maxLength: 1_023,
    },
    clientKey: clientKeyProperty,
  },
};

export interface XmppSettings extends TlsChoices {
  readonly mode: (typeof modes)[number];
  /** The domain of a component, prepared; undefined for an account, and where the text is no domain. */
  readonly component?: string;
  /** Prepared; undefined where the text is no JID: then nobody connects. */
  readonly jid: Jid | undefined;
  /** Where to connect; found by the domain without it. */
  readonly host?: string;
  readonly port: number;
  readonly security: Security;
  readonly mechanism?: SaslMechanism;
  readonly resource?: string;
  readonly priority: number;
  /** How much of the archive is taken in at the first connect, in days. */
  readonly firstHistoryDays: number;
  /** The archive is set to keep everything. */
  readonly archiveAll: boolean;
  readonly register: boolean;
}

/** Reads settings that have passed the schema, with what they leave unsaid filled in. */
export function readSettings(raw: JsonObject): XmppSettings {
  const security = securities.find((one) => one === raw['security']) ?? 'starttls';
  const mode = modes.find((one) => one === raw['mode']) ?? 'account';
  const component = mode === 'component' ? jidOf(textIn(raw, 'component') ?? '') : undefined;
  const usualPort = component === undefined ? (security === 'direct' ? 5223 : 5222) : 5347;
  const host = hostIn(raw);
  const mechanism = mechanisms.find((one) => one === raw['mechanism']);
  const resource = textIn(raw, 'resource');
  return {
    mode,
    ...(component !== undefined && { component: component.domain }),
    jid: jidOf(textIn(raw, 'jid') ?? ''),
    ...(host !== undefined && { host }),
    port: numberIn(raw, 'port') ?? usualPort,
    security,
    ...tlsChoicesIn(raw),
    ...(mechanism !== undefined && { mechanism }),
    ...(resource !== undefined && { resource }),
    priority: numberIn(raw, 'priority') ?? 0,
    firstHistoryDays: numberIn(raw, 'firstHistoryDays') ?? 7,
    archiveAll: raw['archiveAll'] === true,
    register: raw['register'] === true,
  };
}
