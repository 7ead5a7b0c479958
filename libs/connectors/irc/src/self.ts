import type { Source } from './from-irc.js';
import { sameName, type Network } from './network.js';
import type { Look } from './to-irc.js';

/** What a network may make of a user and a host that it has not shown us yet (RFC 1459 §1.2, usual USERLEN). */
const widestUser = 11;
const widestHost = 63;

/** Who we are on a connection, as the network shows us to others. */
export class Self {
  readonly #network: () => Network;
  #nick = '';
  /** `user@host`, once a line of ours has come back with it. */
  #userHost: string | undefined;

  constructor(network: () => Network) {
    this.#network = network;
  }

  get nick(): string {
    return this.#nick;
  }

  named(nick: string): void {
    this.#nick = nick;
  }

  is(nick: string | undefined): boolean {
    return nick !== undefined && sameName(this.#network(), nick, this.#nick);
  }

  /** Learns from a line that comes from us. */
  saw(source: Source): void {
    const at = source.mask?.indexOf('!') ?? -1;
    if (source.mask !== undefined && at !== -1 && this.is(source.nick))
      this.#userHost = source.mask.slice(at + 1);
  }

  /** The network shows us with another host, perhaps another user, from now on. */
  shownAs(user: string | undefined, host: string): void {
    const known = user ?? this.#userHost?.split('@')[0];
    this.#userHost = known === undefined ? undefined : `${known}@${host}`;
  }

  /** How our lines look to others: the widest it can be while we do not know. */
  look(): Look {
    const { lineLength, userLength, hostLength } = this.#network();
    const userHost =
      this.#userHost === undefined
        ? (userLength ?? widestUser) + 1 + (hostLength ?? widestHost)
        : Buffer.byteLength(this.#userHost);
    return {
      maskBytes: Buffer.byteLength(this.#nick) + 1 + userHost,
      lineLength,
    };
  }
}
