import type { Channel } from './channel.js';
import type { Line } from './line.js';

/** Somebody on the network. */
export abstract class User {
  nick: string;
  username: string;
  host: string;
  realName: string;
  account: string | undefined;
  /** Why they are away; undefined while they are here. */
  away: string | undefined;
  readonly modes = new Set<string>();
  readonly channels = new Set<Channel>();
  /** The server they are on: netsplits take whole servers. */
  server: string;
  since = Date.now();
  lastSaid = Date.now();
  isTls = false;

  constructor(parts: {
    readonly nick: string;
    readonly username: string;
    readonly host: string;
    readonly realName: string;
    readonly server: string;
  }) {
    this.nick = parts.nick;
    this.username = parts.username;
    this.host = parts.host;
    this.realName = parts.realName;
    this.server = parts.server;
  }

  get mask(): string {
    return `${this.nick}!${this.username}@${this.host}`;
  }

  get isBot(): boolean {
    return this.modes.has('B');
  }

  /** Whether anybody hears what they are told. */
  get listens(): boolean {
    return true;
  }

  /** Whether a capability is on. */
  abstract can(capability: string): boolean;

  /** Gives them a line. */
  abstract deliver(line: Line): void;
}

/** One of a crowd: there for others to see, and nobody listens. */
export class Extra extends User {
  override get listens(): boolean {
    return false;
  }

  override can(): boolean {
    return false;
  }

  override deliver(): void {
    return;
  }
}
