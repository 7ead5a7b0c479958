/*
 * What prosody.ts and ejabberd.ts have in common: the names that both servers serve, what a test may ask of either, and
 * the words for what a server may be without.
 */
import { randomBytes } from 'node:crypto';
import type { Authority } from './certificates.js';
import type { Daemon } from './daemon.js';
import { freePort } from './peer.js';

/** The names of a test's server. Nobody looks them up: they stand in stream headers, addresses and certificates. */
export const xmppNames = {
  domain: 'chat.example.org',
  rooms: 'rooms.chat.example.org',
  upload: 'upload.chat.example.org',
  gateway: 'gateway.chat.example.org',
} as const;

/** What a server may be told to do without, as an old or a small one does. */
export type XmppFeature =
  | 'stream-management'
  | 'archive'
  | 'room-archive'
  | 'carbons'
  | 'personal-events'
  | 'blocking'
  | 'bookmarks'
  | 'upload'
  | 'registration'
  | 'offline-messages';

export interface XmppServerOptions {
  readonly without?: readonly XmppFeature[];
  /** Refuses whoever does not encrypt. Otherwise STARTTLS is offered and nobody must take it. */
  readonly requireTls?: boolean;
  /** The certificate's names; the domain and its services unless said otherwise. */
  readonly certificateNames?: readonly string[];
  /** The certificate's time was over yesterday. */
  readonly expired?: boolean;
  /** Keeps archives in memory: faster, and gone with a restart. */
  readonly archiveInMemory?: boolean;
  /** How long a cut stream can be resumed, in seconds; 120 unless said otherwise. */
  readonly resumableSeconds?: number;
  /** The largest file that may be uploaded, in bytes; 10 MiB unless said otherwise. */
  readonly uploadLimit?: number;
  /** Further lines of configuration, in the server's own language; where they go is the server's file's affair. */
  readonly extra?: string;
}

export interface XmppServer extends Daemon {
  readonly names: typeof xmppNames;
  readonly ports: XmppPorts;
  readonly authority: Authority;
  /** What a component says in its handshake as `names.gateway`. */
  readonly componentSecret: string;
  /** Makes a login, or gives an old one a new password. */
  createAccount(user: string, password: string): Promise<void>;
}

export interface XmppPorts {
  /** Clients, in clear until they say STARTTLS. */
  readonly clients: number;
  /** Clients, TLS from the first byte (XEP-0368). */
  readonly tls: number;
  readonly component: number;
  /** Uploads, and downloads of them. */
  readonly http: number;
  readonly https: number;
}

export async function xmppPorts(): Promise<XmppPorts> {
  return {
    clients: await freePort(),
    tls: await freePort(),
    component: await freePort(),
    http: await freePort(),
    https: await freePort(),
  };
}

/** A secret of a server that lives as long as a test. */
export function freshSecret(): string {
  return randomBytes(12).toString('hex');
}

/** Every name that a certificate of such a server should have. */
export const certificateNames: readonly string[] = [...Object.values(xmppNames), '127.0.0.1'];
