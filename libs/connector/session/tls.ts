/*
 * TLS as the person's settings want it: whom to trust (the public authorities, one of their own, or one certificate and
 * no other), and what to show. The judgement falls after the handshake and before any byte of ours leaves, and says what
 * it saw: with the fingerprint a person can decide.
 */
import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { failure, type Failure } from '#model';
import { certificateFailure } from './socket-failures.js';

export interface TlsSettings {
  /** The server's name. */
  readonly host: string;
  /** PEM text of the authority that takes the place of the public ones. */
  readonly caCertificate?: string;
  /** SHA-256 of the one certificate to trust, as hexadecimal digits, with or without colons. */
  readonly certificateFingerprint?: string;
  /** PEM texts of what we show. The key may hold the certificate as well. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/**
 * Contexts by the authority that they trust; '' for the public ones. A thousand accounts on one network share one: made
 * anew for each, it costs them some 15 KiB. Those that show a certificate are not shared, so that no key outlives its session.
 */
const contexts = new Map<string, SecureContext>();
const mostContexts = 32;

/** What `tls.connect` is told besides where; or why there is nothing to tell it. */
export function tlsOptions(settings: TlsSettings): ConnectionOptions | Failure {
  const { host } = settings;
  const secureContext = contextOf(settings);
  if ('code' in secureContext) return secureContext;
  return {
    secureContext,
    // Judged below, where the reason and the fingerprint can be told.
    rejectUnauthorized: false,
    // SNI takes names only; an address is checked against the certificate's own addresses.
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

function contextOf(settings: TlsSettings): SecureContext | Failure {
  const { caCertificate = '' } = settings;
  const shown = clientOf(settings);
  const known = shown === undefined ? contexts.get(caCertificate) : undefined;
  if (known !== undefined) return known;
  const trusting = { minVersion: 'TLSv1.2', ...(caCertificate !== '' && { ca: caCertificate }) } as const;
  let context: SecureContext;
  try {
    context = createSecureContext(trusting);
  } catch (error) {
    const why = `The certificate authority in the settings cannot be read (${nameOf(error)}).`;
    return failure('tls-untrusted', why);
  }
  if (shown !== undefined) {
    try {
      return createSecureContext({ ...trusting, ...shown });
    } catch (error) {
      const why = `The client certificate and its key cannot be used (${nameOf(error)}).`;
      return failure('auth-failed', why);
    }
  }
  for (const oldest of contexts.keys()) {
    if (contexts.size < mostContexts) break;
    contexts.delete(oldest);
  }
  contexts.set(caCertificate, context);
  return context;
}

/** Whether the server is who the settings mean; undefined if it is. To be asked once, before anything is written. */
export function distrust(socket: TLSSocket, settings: TlsSettings): Failure | undefined {
  const seen = socket.getPeerX509Certificate()?.fingerprint256;
  const { certificateFingerprint } = settings;
  if (seen === undefined) return failure('tls-untrusted', 'The server shows no certificate.');
  if (certificateFingerprint !== undefined) {
    const [one, other] = [bytesOf(seen), bytesOf(certificateFingerprint)];
    if (one.length === other.length && timingSafeEqual(one, other)) return undefined;
    const why = `The certificate of the server is not the pinned one; its SHA-256 fingerprint is ${seen}.`;
    return failure('tls-mismatch', why);
  }
  if (socket.authorized) return undefined;
  // A string, whatever the declaration says.
  return certificateFailure(String(socket.authorizationError), seen);
}

/** Whether we have a certificate to show. */
export function showsCertificate(settings: TlsSettings): boolean {
  return clientOf(settings) !== undefined;
}

function clientOf(settings: TlsSettings): { readonly cert: string; readonly key: string } | undefined {
  const { clientKey } = settings;
  const within = clientKey?.includes('-----BEGIN CERTIFICATE-----') === true ? clientKey : undefined;
  const cert = settings.clientCertificate ?? within;
  return cert === undefined || clientKey === undefined ? undefined : { cert, key: clientKey };
}

function bytesOf(fingerprint: string): Buffer {
  return Buffer.from(fingerprint.replaceAll(':', ''), 'hex');
}

function nameOf(error: unknown): string {
  return error instanceof Error ? ((error as { code?: string }).code ?? error.name) : 'no reason given';
}
