/*
 * Settings that every protocol over TLS has, and how settings that have passed their schema are read. A network's own stand
 * in its connector.
 */
import type { JsonObject } from '#connector';
import type { TlsSettings } from './tls.js';

/** The part of TLS that a person sets, without the secret key. */
export type TlsChoices = Pick<TlsSettings, 'caCertificate' | 'certificateFingerprint' | 'clientCertificate'>;

/**
 * JSON Schema of `TlsChoices`, property by property.
 * @param ways what the client certificate signs in by, in the words of the protocol.
 */
export function tlsProperties(ways: string): JsonObject {
  return {
    caCertificate: {
      type: 'string',
      title: 'Certificate authority',
      description:
        'PEM text of the authority (or of the self-signed certificate) that the server must be signed by. It takes the place of the public authorities.',
      contentMediaType: 'application/x-pem-file',
      maxLength: 65_536,
      pattern: '-----BEGIN CERTIFICATE-----',
    },
    certificateFingerprint: {
      type: 'string',
      title: 'Pinned certificate',
      description:
        'SHA-256 fingerprint of the certificate that the server must show, with or without colons. It takes the place of every authority, name and date; with another certificate nothing is said to the server.',
      pattern: '^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$',
    },
    clientCertificate: {
      type: 'string',
      title: 'Client certificate',
      description: `PEM text of the certificate that we show the server, for signing in without a password (${ways}). Its key is a secret.`,
      contentMediaType: 'application/x-pem-file',
      maxLength: 65_536,
      pattern: '-----BEGIN CERTIFICATE-----',
    },
  };
}

/**
 * JSON Schema of where a server is: `host` and `port`.
 * @param said what a person reads of them; `host.title` where it is not called a server.
 */
export function serverProperties(said: {
  readonly host: { readonly title?: string; readonly description: string; readonly examples?: string[] };
  readonly port: string;
}): JsonObject {
  return {
    host: {
      type: 'string',
      title: 'Server',
      ...said.host,
      minLength: 1,
      maxLength: 255,
      pattern: '^[^\\s/]+$',
    },
    port: { type: 'integer', title: 'Port', description: said.port, minimum: 1, maximum: 65_535 },
  };
}

/** JSON Schema of the secret that goes with a client certificate. */
export const clientKeyProperty: JsonObject = {
  type: 'string',
  title: 'Key of the client certificate',
  description: 'PEM text of the private key, without a pass phrase. It may hold the certificate as well.',
  maxLength: 65_536,
  pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----',
};

/** Reads what `tlsProperties` describes. */
export function tlsChoicesIn(raw: JsonObject): TlsChoices {
  const caCertificate = textIn(raw, 'caCertificate');
  const certificateFingerprint = textIn(raw, 'certificateFingerprint');
  const clientCertificate = textIn(raw, 'clientCertificate');
  return {
    ...(caCertificate !== undefined && { caCertificate }),
    ...(certificateFingerprint !== undefined && { certificateFingerprint }),
    ...(clientCertificate !== undefined && { clientCertificate }),
  };
}

/** A host name or address, an IPv6 address without its brackets; undefined where none is set. */
export function hostIn(raw: JsonObject, name = 'host'): string | undefined {
  return textIn(raw, name)?.replace(/^\[(.*)\]$/, '$1');
}

/** A text that is set and not empty. */
export function textIn(raw: JsonObject, name: string): string | undefined {
  const value = raw[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number that is set. */
export function numberIn(raw: JsonObject, name: string): number | undefined {
  const value = raw[name];
  return typeof value === 'number' ? value : undefined;
}
