/*
 * From the open socket to the welcome: capabilities, sign-in, nick. And what of it goes on afterwards: capabilities that
 * come and go, what the server says about itself.
 *
 * Signed in or not at all: where an account is wanted, neither CAP END leaves nor is a welcome taken before the sign-in
 * has succeeded, unless the settings leave it to the services (then the connection sees to it before it is online).
 *
 * Servers of the old kind answer CAP with 421 or 451, or not at all, and register us by NICK and USER: so both leave at
 * once, and nothing waits for an answer to CAP.
 */
import type { IrcMessage } from 'irc-framework';
import { words } from '#connector/session';
import { failure, type Failure } from '#model';
import { Caps } from './caps.js';
import { certified, wantsAccount, type Credentials } from './credentials.js';
import { earlyOf } from './early.js';
import { Isupport } from './isupport.js';
import type { IrcSettings } from './irc.settings.js';
import type { Wire } from './irc.transport.js';
import type { Network } from './network.js';
import { Nicks } from './nicks.js';
import { Sasl } from './sasl.js';
import { command } from './to-irc.js';

/** A server that is still not done after so many lines is not registering us. */
const mostLines = 500;

export interface RegistrationHandler {
  /** Once: under this nick, by the server of this name. */
  registered(nick: string, server: string): void;
  /** ISUPPORT has said more. */
  learnt(): void;
  /** Capabilities have come or gone. */
  capsChanged(): void;
  /** Strict transport security is announced with this value. True when the connection has been given up for it. */
  strict(value: string): boolean;
  failed(why: Failure): void;
}

export class Registration {
  readonly #wire: Pick<Wire, 'write'>;
  readonly #handler: RegistrationHandler;
  readonly #settings: IrcSettings;
  readonly #count: () => void;
  readonly #nicks: Nicks;
  readonly #isupport = new Isupport();
  readonly #caps: Caps;
  #credentials: Credentials;
  #sasl: Sasl | undefined;
  /** What the server made of the wanted nick without refusing it: it cuts long ones. */
  #cutNick: string | undefined;
  #refusedNick = false;
  #signedIn = false;
  #registered = false;
  #failed = false;
  #lines = 0;

  constructor(parts: {
    readonly wire: Pick<Wire, 'write'>;
    /** Counts a line that leaves past the outbox. */
    readonly count: () => void;
    readonly settings: IrcSettings;
    readonly credentials: Credentials;
    readonly random: () => number;
    readonly handler: RegistrationHandler;
  }) {
    this.#wire = parts.wire;
    this.#handler = parts.handler;
    this.#count = parts.count;
    this.#settings = parts.settings;
    this.#credentials = parts.credentials;
    this.#nicks = new Nicks(parts.settings.nick, parts.settings.alternateNicks, parts.random);
    this.#caps = new Caps({
      send: (line) => {
        this.#send(line);
      },
      offered: () => {
        this.#offered();
      },
      settled: () => {
        this.#settled();
      },
      changed: () => {
        this.#handler.capsChanged();
      },
    });
  }

  /** The socket is open: begin. */
  opened(): void {
    const { nick, username, realName } = this.#settings;
    const { serverPassword } = this.#credentials;
    this.#send('CAP LS 302');
    if (serverPassword !== undefined) this.#send(command('PASS', serverPassword));
    this.#send(`NICK ${nick}`);
    this.#send(command('USER', username, '0', '*', realName === '' ? nick : realName));
  }

  /** ISUPPORT as it stands. */
  get tokens(): ReadonlyMap<string, string> {
    return this.#isupport.tokens;
  }

  /** Whether a capability holds. */
  has(capability: string): boolean {
    return this.#caps.has(capability);
  }

  /** What a capability is offered with; undefined where it is not offered. */
  offer(capability: string): string | undefined {
    return this.#caps.offer(capability);
  }

  /** The nick that the person wants, as this server can give it. */
  wantedNick(network: Network): string {
    return this.#cutNick ?? this.#settings.nick.slice(0, network.nickLength);
  }

  /** Takes a line. True when it belonged to the registration and means nothing else. */
  handle(message: IrcMessage): boolean {
    if (this.#failed) return true;
    if (!this.#registered && ++this.#lines > mostLines) {
      this.#fail(failure('protocol-violation', 'The server talks and talks and does not register us.'));
      return true;
    }
    const { params } = message;
    switch (message.command) {
      case 'CAP':
        this.#cap(params);
        return true;
      case 'AUTHENTICATE':
        this.#sasl?.challenge(params[0] ?? '+');
        return true;
      case '900':
      case '902':
      case '903':
      case '904':
      case '905':
      case '906':
      case '907':
      case '908':
        this.#sasl?.numeric(message.command, params);
        return true;
      case '901':
        // Signed in or not at all: a new connection signs in anew.
        if (this.#registered && this.#signedIn && this.#wantsAccount) {
          this.#fail(failure('auth-required', 'The services have signed us out.', 'retry'));
        }
        return true;
      case '001':
        this.#welcomed(params[0], message.prefix);
        return true;
      case '005':
        // RFC 2812 had another use for it, before the welcome: "Try server irc.example.org, port 6667".
        if (!this.#registered && /^try server/i.test(params.at(-1) ?? '')) {
          this.#fail(failure('rate-limited', words(params.at(-1))));
        } else if (this.#isupport.take(params)) this.#handler.learnt();
        return true;
      default:
        return !this.#registered && this.#early(message);
    }
  }

  close(): void {
    this.#failed = true;
    this.#forget();
  }

  /** Whether we are in, and not signed in yet: the services must be asked. */
  get awaitsServices(): boolean {
    return this.#wantsAccount && !this.#signedIn;
  }

  /** The password for the services; it is given once. */
  handOver(): string | undefined {
    const { password } = this.#credentials;
    this.#forget();
    return password;
  }

  /** The services, or the server on their behalf, have said so. */
  vouched(): void {
    this.#signedIn = true;
  }

  get #needsSasl(): boolean {
    return this.#wantsAccount && this.#settings.signIn === 'sasl';
  }

  get #wantsAccount(): boolean {
    return wantsAccount(this.#settings);
  }

  #send(line: string): void {
    if (this.#failed) return;
    this.#count();
    this.#wire.write(line);
  }

  #cap(parameters: readonly string[]): void {
    if (parameters.length < 3 && !this.#registered) {
      this.#fail(failure('protocol-violation', 'The server sent a CAP that makes no sense.'));
      return;
    }
    this.#caps.take(parameters);
  }

  #offered(): void {
    if (this.#failed) return;
    const strict = this.#caps.offer('sts');
    if (strict !== undefined && this.#handler.strict(strict)) return;
    const bySasl = this.#wantsAccount && !this.#registered && this.#settings.signIn !== 'services';
    this.#caps.ask(bySasl ? ['sasl'] : []);
  }

  /** All that was asked for is answered: sign in, or be done. */
  #settled(): void {
    if (this.#failed || this.#registered || this.#sasl !== undefined) return;
    const offered = this.#caps.has('sasl');
    if (!this.#wantsAccount || (!offered && !this.#needsSasl)) {
      this.#send('CAP END');
    } else if (!offered) {
      // Services that are away for a while look the same: worth another try, later.
      this.#fail(failure('auth-method', 'The server offers no SASL now.', 'retry'));
    } else {
      this.#signIn();
    }
  }

  #signIn(): void {
    this.#sasl = new Sasl({
      account: this.#settings.saslAccount,
      password: this.#credentials.password,
      certificate: certified(this.#settings, this.#credentials),
      only: this.#settings.saslMechanism,
      send: (line) => {
        this.#send(line);
      },
      done: () => {
        this.#signedIn = true;
        this.#forget();
        this.#send('CAP END');
      },
      failed: (why) => {
        this.#fail(why);
      },
    });
    this.#sasl.begin(this.#caps.offer('sasl') ?? '');
  }

  #early(message: IrcMessage): boolean {
    const early = earlyOf(message);
    switch (early?.early) {
      case undefined:
        return false;
      case 'nick-taken':
        this.#tryNick(this.#nicks.next(), early.failure);
        break;
      case 'nick-refused':
        this.#tryNick(this.#nicks.nextGiven(), early.failure);
        break;
      case 'refused':
        this.#fail(early.failure);
        break;
      case 'proof':
        this.#send(command('PONG', early.token));
        break;
      case 'no-capabilities':
        // No CAP, so no SASL: a server of the old kind.
        if (this.#needsSasl) this.#fail(failure('auth-method', 'The server knows no SASL.'));
        break;
      case 'welcome':
        this.#welcomed(early.nick, message.prefix);
        return false;
      case 'nothing':
        break;
    }
    return true;
  }

  #tryNick(nick: string | undefined, why: Failure): void {
    this.#refusedNick = true;
    if (nick === undefined) this.#fail(why);
    else this.#send(command('NICK', nick));
  }

  #welcomed(nick: string | undefined, server: string): void {
    if (this.#registered || this.#failed) return;
    if (nick === undefined || nick === '') {
      this.#fail(failure('protocol-violation', 'The server welcomes nobody.'));
      return;
    }
    if (this.#wantsAccount && !this.#signedIn && (this.#needsSasl || this.#sasl !== undefined)) {
      const why = 'The server registers us without asking who we are; it offers no SASL.';
      this.#fail(failure('auth-method', why, 'retry'));
      return;
    }
    this.#registered = true;
    if (!this.awaitsServices) this.#forget();
    const { nick: wanted } = this.#settings;
    if (!this.#refusedNick && nick.length < wanted.length && wanted.startsWith(nick)) this.#cutNick = nick;
    this.#handler.registered(nick, server);
  }

  /** Secrets are not kept longer than they are needed. */
  #forget(): void {
    this.#credentials = {};
    this.#sasl?.close();
  }

  #fail(why: Failure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#forget();
    this.#handler.failed(why);
  }
}
