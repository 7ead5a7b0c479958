/*
 * From the open socket to the welcome: capabilities, SASL, nick. irc-framework does the talking; this decides what it
 * is shown, and guards what it gets wrong:
 * - Signed in or not at all. The library goes on without an account in several cases (no SASL offered, sign-in broken
 *   off, capabilities refused); so neither CAP END leaves nor is a welcome taken before the sign-in has succeeded.
 * - Its handlers trust the server; whatever they throw is that server's protocol violation.
 */
import irc, { type Client, type IrcMessage, type NetworkInfo } from 'irc-framework';
import { failure, type Failure } from '#model';
import { wantedCapabilities } from './capabilities.js';
import { numericFailure, words } from './failures.js';
import type { IrcSettings } from './irc.settings.js';
import { transportOn, type Wire } from './irc.transport.js';
import { Nicks } from './nicks.js';
import { command } from './to-irc.js';

/** What irc-framework must see: all else is ours, and it keeps no memory of it. */
const libraryLines = new Set([
  'CAP',
  'AUTHENTICATE',
  '001',
  '005',
  '900',
  '901',
  '902',
  '903',
  '904',
  '905',
  '906',
  '907',
  '908',
]);
/** A server that is still not done after so many lines is not registering us. */
const mostLines = 500;

export interface RegistrationHandler {
  registered(nick: string, server: string): void;
  /** ISUPPORT has said more. */
  learnt(): void;
  failed(why: Failure): void;
}

export interface Credentials {
  readonly password?: string;
  readonly serverPassword?: string;
}

export class Registration {
  readonly #client: Client;
  readonly #wire: Wire;
  readonly #handler: RegistrationHandler;
  readonly #nicks: Nicks;
  readonly #transport: ReturnType<typeof transportOn>;
  readonly #wantsAccount: boolean;
  readonly #count: () => void;
  #signedIn = false;
  #registered = false;
  #failed = false;
  #lines = 0;

  constructor(parts: {
    readonly wire: Wire;
    /** Counts a line that leaves past the outbox. */
    readonly count: () => void;
    readonly settings: IrcSettings;
    readonly credentials: Credentials;
    readonly random: () => number;
    readonly handler: RegistrationHandler;
  }) {
    const { wire, settings, credentials } = parts;
    this.#wire = wire;
    this.#handler = parts.handler;
    this.#count = parts.count;
    this.#nicks = new Nicks(settings.nick, settings.alternateNicks, parts.random);
    this.#wantsAccount = settings.saslAccount !== undefined;
    this.#transport = transportOn({
      open: () => {
        wire.open();
      },
      finish: () => {
        wire.finish();
      },
      destroy: () => {
        wire.destroy();
      },
      write: (line, written) => {
        if (this.#failed) return;
        if (line === 'CAP END' && this.#wantsAccount && !this.#signedIn) {
          this.#fail(
            failure('auth-method', 'The server let no sign-in to a services account happen.', 'retry'),
          );
          return;
        }
        this.#count();
        wire.write(line, written);
      },
    });
    this.#client = new irc.Client();
    this.#client.requestCap(wantedCapabilities);
    this.#client
      .on('registered', ({ nick }) => {
        this.#welcomed(nick);
      })
      .on('server options', () => {
        this.#handler.learnt();
      })
      .on('sasl failed', ({ reason, message }) => {
        this.#fail(saslFailure(reason, message));
      });
    this.#client.connect({
      nick: settings.nick,
      username: settings.username,
      gecos: settings.realName === '' ? settings.nick : settings.realName,
      ...(credentials.serverPassword !== undefined && { password: credentials.serverPassword }),
      // Always there, or the library would use the server's password for SASL.
      account:
        settings.saslAccount === undefined
          ? {}
          : { account: settings.saslAccount, password: credentials.password ?? '' },
      sasl_disconnect_on_fail: true,
      auto_reconnect: false,
      ping_interval: 0,
      ping_timeout: 0,
      enable_chghost: true,
      enable_setname: true,
      enable_echomessage: true,
      version: '',
      transport: this.#transport.transport,
    });
  }

  /** The socket is open: begin. */
  opened(): void {
    this.#transport.opened();
  }

  get network(): NetworkInfo {
    return this.#client.network;
  }

  has(capability: string): boolean {
    return this.#client.network.cap.isEnabled(capability);
  }

  /** Shows a line. True when it belonged to the registration and means nothing else. */
  handle(message: IrcMessage, line: string): boolean {
    if (this.#failed) return true;
    if (!this.#registered && ++this.#lines > mostLines) {
      this.#fail(failure('protocol-violation', 'The server talks and talks and does not register us.'));
      return true;
    }
    if (libraryLines.has(message.command)) {
      this.#show(message, line);
      return true;
    }
    return !this.#registered && this.#refusal(message);
  }

  close(): void {
    this.#failed = true;
    this.#client.removeAllListeners();
    this.#forget();
  }

  #show(message: IrcMessage, line: string): void {
    if (message.command === '900' || message.command === '903') this.#signedIn = true;
    if (message.command === '001' && this.#wantsAccount && !this.#signedIn) {
      this.#fail(
        failure(
          'auth-method',
          'The server registers us without asking who we are; it offers no SASL.',
          'retry',
        ),
      );
      return;
    }
    try {
      this.#transport.show(line);
    } catch {
      this.#fail(failure('protocol-violation', `The server sent a ${message.command} that makes no sense.`));
    }
  }

  #refusal(message: IrcMessage): boolean {
    const text = words(message.params.at(-1));
    switch (message.command) {
      case '433': // in use
      case '436': // collision
      case '437': // unavailable for now
        this.#tryNick(this.#nicks.next(), failure('name-in-use', text));
        return true;
      case '431':
      case '432': // not a nick to this server
        this.#tryNick(this.#nicks.nextGiven(), failure('not-allowed', text));
        return true;
      case '464':
        this.#fail(failure('auth-failed', text ?? 'The server wants another password.'));
        return true;
      case '463':
      case '465':
        this.#fail(failure('banned', text));
        return true;
      case '421':
        // No CAP, so no SASL: a server of the old kind.
        if (message.params[1] === 'CAP' && this.#wantsAccount) {
          this.#fail(failure('auth-method', 'The server knows no SASL.'));
        }
        return true;
      default:
        return numericFailure(message.command, undefined) !== undefined;
    }
  }

  #tryNick(nick: string | undefined, why: Failure): void {
    if (nick === undefined) {
      this.#fail(why);
      return;
    }
    this.#count();
    this.#wire.write(command('NICK', nick));
  }

  #welcomed(nick: string): void {
    if (this.#registered || this.#failed) return;
    this.#registered = true;
    this.#forget();
    this.#handler.registered(nick, this.#client.network.server);
  }

  /** Secrets are not kept longer than they are needed. */
  #forget(): void {
    this.#client.options.account = {};
    delete this.#client.options.password;
  }

  #fail(why: Failure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#forget();
    this.#handler.failed(why);
  }
}

function saslFailure(reason: string, message: string | undefined): Failure {
  const detail = words(message);
  switch (reason) {
    case 'unsupported_mechanism':
      return failure('auth-method', 'The server does not take passwords by SASL PLAIN.');
    case 'capability_missing':
      // Services that are away for a while look the same: worth another try, later.
      return failure('auth-method', 'The server offers no SASL now.', 'retry');
    default:
      return failure('auth-failed', detail ?? 'The services account and password do not fit.');
  }
}
