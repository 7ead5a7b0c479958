/*
 * What this room uses of irc-framework 4.14, which comes without types: its parser of lines. Sockets, registration,
 * capabilities, sign-in, timers, sending and splitting are ours: the library goes on unsigned where it should stop, and
 * keeps more memory for a connection than all of that needs.
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

  const irc: { readonly ircLineParser: (line: string) => IrcMessage };
  export default irc;
  export type { IrcMessage };
}
