/*
 * What this room uses of irc-framework 4.14, which comes without types. Parsing, registration, capability negotiation,
 * SASL and ISUPPORT are its; sockets, timers, sending, splitting and everything after registration are ours.
 */
declare module 'irc-framework' {
  /** One line of the protocol (RFC 1459 §2.3.1 with IRCv3 message tags), parsed. Nothing in it has been believed yet. */
  interface IrcMessage {
    readonly tags: Readonly<Record<string, string>>;
    /** The source as it stood on the wire: `nick!user@host`, a server's name, or empty. */
    readonly prefix: string;
    readonly nick: string;
    readonly ident: string;
    readonly hostname: string;
    readonly command: string;
    readonly params: readonly string[];
  }

  /** What the library's connection calls on its transport, and what the transport tells it: `open`, `line`, `close`. */
  interface Transport {
    on(event: string, listener: (...args: never[]) => void): unknown;
    removeAllListeners(): unknown;
    connect(): void;
    writeLine(line: string, written?: () => void): void;
    close(force?: boolean): void;
    disposeSocket(): void;
    setEncoding(encoding: string): boolean;
  }

  interface ClientOptions {
    nick: string;
    username: string;
    gecos: string;
    /** Server password. Also used for SASL where `account` is missing altogether, so always give an `account`. */
    password?: string;
    account: { account?: string; password?: string };
    sasl_mechanism?: string;
    sasl_disconnect_on_fail: boolean;
    auto_reconnect: boolean;
    ping_interval: number;
    ping_timeout: number;
    enable_chghost: boolean;
    enable_setname: boolean;
    enable_echomessage: boolean;
    version: string;
    transport: new (options: ClientOptions) => Transport;
  }

  interface NetworkInfo {
    readonly server: string;
    /** ISUPPORT tokens as received; the library splits CHANTYPES, STATUSMSG and PREFIX. */
    readonly options: Readonly<Record<string, unknown>>;
    readonly cap: { isEnabled(name: string): boolean };
  }

  class Client {
    options: ClientOptions;
    readonly network: NetworkInfo;
    connect(options: ClientOptions): void;
    requestCap(names: readonly string[]): void;
    on(event: 'registered', listener: (event: { readonly nick: string }) => void): this;
    on(event: 'server options', listener: () => void): this;
    on(
      event: 'sasl failed',
      listener: (event: { readonly reason: string; readonly message?: string }) => void,
    ): this;
    removeAllListeners(): this;
  }

  const irc: { readonly Client: typeof Client; readonly ircLineParser: (line: string) => IrcMessage };
  export default irc;
  export type { Client, ClientOptions, IrcMessage, NetworkInfo, Transport };
}
