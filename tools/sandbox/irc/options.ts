/* What a sandbox can be told to be. Absent means the most modern server that it knows. */

/** ISUPPORT tokens are the configuration: what the server says of itself is what it does. */
export type TokenValue = string | number | boolean;

export interface SandboxAccount {
  readonly name: string;
  readonly password?: string;
  /** SHA-256 of a client certificate, hex, with or without colons (SASL EXTERNAL). */
  readonly fingerprint?: string;
}

export interface SandboxOptions {
  /** The server's name; `irc.sandbox` unless said otherwise. */
  readonly name?: string;
  readonly network?: string;
  /** A loopback port; any free one unless said otherwise. */
  readonly port?: number;
  readonly tlsPort?: number;
  /** With it, a second port speaks TLS. PEM texts; client certificates are asked for and not checked. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /**
   * Which capabilities are offered: all that the sandbox knows, or these, or none and no CAP at all (`false`, a server of
   * RFC 1459).
   */
  readonly caps?: readonly string[] | false;
  /** Taken from what is offered. */
  readonly withoutCaps?: readonly string[];
  /** ISUPPORT tokens on top of the usual ones; `false` takes one away. All `false`: no 005. */
  readonly tokens?: Readonly<Record<string, TokenValue>> | false;
  /** Commands that the server does not know (421). */
  readonly withoutCommands?: readonly string[];
  readonly accounts?: readonly SandboxAccount[];
  /** SASL mechanisms offered. */
  readonly mechanisms?: readonly ('PLAIN' | 'EXTERNAL' | 'SCRAM-SHA-256')[];
  /** Clients that have not signed in by SASL are sent away. */
  readonly needsSasl?: boolean;
  /** The password that PASS must give. */
  readonly serverPassword?: string;
  /** strict transport security: seconds; the port is that of TLS. */
  readonly stsDuration?: number;
  /** A client may say so many lines at once and then so many a second; past it: out, or its lines wait. */
  readonly flood?: { readonly burst: number; readonly perSecond: number; readonly then?: 'kill' | 'wait' };
  /** Silence after which a client is asked (PING) and, after as long again, thrown out. Milliseconds. */
  readonly pingEveryMs?: number;
  /** So many of the latest messages are shown to whoever joins and has not asked for draft/chathistory. */
  readonly autoHistory?: number;
  readonly multiline?: { readonly maxBytes: number; readonly maxLines: number };
  /** Longest list of messages kept for one target. */
  readonly historyKept?: number;
  /** The host that all clients seem to come from. */
  readonly host?: string;
  readonly motd?: readonly string[];
  /** Hosts, nicks and so on are what tests read: the clock too may be theirs. Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Every capability that the sandbox knows. `sts` is offered with TLS and a duration only. */
export const allCaps: readonly string[] = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'cap-notify',
  'chghost',
  'draft/chathistory',
  'draft/event-playback',
  'draft/message-redaction',
  'draft/multiline',
  'draft/pre-away',
  'draft/read-marker',
  'echo-message',
  'extended-join',
  'extended-monitor',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'no-implicit-names',
  'sasl',
  'server-time',
  'setname',
  'standard-replies',
  'userhost-in-names',
];

/** The tokens of a modern server. */
export const usualTokens: Readonly<Record<string, TokenValue>> = {
  AWAYLEN: 200,
  BOT: 'B',
  CASEMAPPING: 'rfc1459',
  CHANLIMIT: '#&:200',
  CHANMODES: 'beI,k,l,CMRimnpst',
  CHANNELLEN: 64,
  CHANTYPES: '#&',
  CHATHISTORY: 100,
  ELIST: 'CMNTU',
  EXCEPTS: 'e',
  EXTBAN: '$,a',
  INVEX: 'I',
  KICKLEN: 255,
  KNOCK: true,
  LINELEN: 512,
  MAXLIST: 'beI:100',
  MODES: 6,
  MONITOR: 100,
  MSGREFTYPES: 'msgid,timestamp',
  NAMELEN: 128,
  NICKLEN: 30,
  PREFIX: '(qaohv)~&@%+',
  STATUSMSG: '~&@%+',
  TARGMAX: 'JOIN:20,KICK:1,NAMES:1,NOTICE:4,PRIVMSG:4,WHOIS:1',
  TOPICLEN: 307,
  UTF8ONLY: true,
  WHOX: true,
};

/** A server of RFC 1459: no CAP, no 005, and none of the later commands. */
export const plainOptions: SandboxOptions = {
  caps: false,
  tokens: false,
  withoutCommands: ['MONITOR', 'WATCH', 'TAGMSG', 'SETNAME', 'AUTHENTICATE', 'KNOCK', 'CHATHISTORY'],
};
