/* What a sandbox can be told to be. Absent means a modern server with everything that it knows. */

export interface SandboxXmppAccount {
  readonly name: string;
  readonly password?: string;
}

/** What can be left out, from the start or while it runs. */
export const allFeatures = [
  'archive',
  'archive-extended',
  'blocking',
  'carbons',
  'csi',
  'limits',
  'occupant-ids',
  'offline',
  'pep',
  'ping',
  'pre-approval',
  'private-storage',
  'registration',
  'room-archive',
  'roster-versioning',
  'stanza-ids',
  'stream-management',
  'vcards',
] as const;

export type SandboxXmppFeature = (typeof allFeatures)[number];
export type Mechanism = 'PLAIN' | 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

export interface SandboxXmppOptions {
  /** The domain of its people; `xmpp.sandbox` unless said otherwise. Rooms are at `rooms.` of it. */
  readonly domain?: string;
  /** A loopback port; any free one unless said otherwise. */
  readonly port?: number;
  readonly tlsPort?: number;
  /** With it STARTTLS is offered, and a second port speaks TLS from the first byte. PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Nobody signs in before TLS. */
  readonly needsTls?: boolean;
  readonly mechanisms?: readonly Mechanism[];
  readonly accounts?: readonly SandboxXmppAccount[];
  readonly without?: readonly SandboxXmppFeature[];
  /** Largest stanza that is taken, in characters; 262,144 unless said otherwise. */
  readonly mostCharacters?: number;
  /** How long a cut stream can be resumed; milliseconds, a minute unless said otherwise. */
  readonly resumableMs?: number;
  /** Silence after which a client is asked, and ended after as long again; milliseconds, two minutes unless said otherwise. */
  readonly pingEveryMs?: number;
  /** Most results on a page of an archive; 50 unless said otherwise. */
  readonly mostOnPage?: number;
  /** A new room can be entered by others once its owner has configured it (XEP-0045 §10.1); true unless said otherwise. */
  readonly locksRooms?: boolean;
  /** What happens to the older of two sessions with one resource: it is ended (RFC 6120 §7.7.2.2), or the new one is renamed. */
  readonly onConflict?: 'end-older' | 'rename-newer';
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** What the whole server does wrong, on purpose. */
export interface Mischief {
  /** Streams are never resumed. */
  readonly refuseResume?: boolean;
  /** What is said for `h` when a stream is resumed or acknowledged, in place of the true number. */
  readonly lieAboutHandled?: (handled: number) => number;
  /** Whatever a client says to have handled is taken for true: for tests that say what is not counted. */
  readonly believeAnyCount?: boolean;
  /** Requests for acknowledgement are not answered. */
  readonly stallAcks?: boolean;
  /** Every message is delivered twice, with the same ids. */
  readonly doubleMessages?: boolean;
  /** Before each answer to a question a forged one comes, with the same id, from this address. */
  readonly forgeAnswersFrom?: string;
  /** Questions (iq) are never answered. */
  readonly ignoreQuestions?: boolean;
  /** The proof that the server knows the password is wrong (SCRAM). */
  readonly lieInScram?: boolean;
  /** Sign-in fails with this condition, whatever the password. */
  readonly refuseSignIn?: string;
  /** Ids that pretend to be the server's own are left in messages, before the true one (as Prosody 0.12 does). */
  readonly leaveForgedIds?: boolean;
  /** Messages are swallowed, and acknowledged all the same. */
  readonly swallowMessages?: boolean;
}
