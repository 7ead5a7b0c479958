/*
 * Strict transport security (IRCv3 sts). A server that we came to without TLS may send us to its TLS port; one that we
 * came to with TLS may bind us to it for a time. While that time runs nothing goes there in clear, whatever the settings
 * say, and whatever goes wrong: there is no way back for whoever sits in between.
 *
 * Only a connection with a certificate that is trusted gets this far, so only such a one can bind us.
 */
import type { JsonValue, SessionContext } from '#connector';
import { fieldsOf, type Notes } from '#connector/session';
import type { AccountId } from '#model';
import type { IrcSettings } from './irc.settings.js';

const key = 'irc.sts';
/** Ten years: longer than anybody means. */
const longest = 315_360_000;

interface Policy {
  readonly host: string;
  readonly port: number;
  /** Seconds, as last announced. */
  readonly duration: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export class Strictness {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #host: string;
  #policy: Policy | undefined;
  /** Where the server has sent us, for as long as the session lives. */
  #sentTo: number | undefined;
  #loaded = false;

  constructor(context: SessionContext, account: AccountId, settings: IrcSettings) {
    this.#context = context;
    this.#account = account;
    this.#host = settings.host.toLowerCase();
  }

  /** Reads what an earlier session was told; once. Rejects if it cannot: then nothing may be tried in clear. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const policy = policyOf(await this.#context.keyValues.read(this.#account, key));
    if (policy?.host === this.#host) this.#policy = policy;
    this.#loaded = true;
  }

  /** The settings, made as strict as the server wants them. */
  applied(settings: IrcSettings): IrcSettings {
    if (settings.tls) return settings;
    const held = this.#policy !== undefined && this.#policy.until > this.#context.clock.now();
    const port = held ? this.#policy?.port : this.#sentTo;
    return port === undefined ? settings : { ...settings, tls: true, port };
  }

  /** The capability's value, on a connection without TLS. True when the connection must be given up for another. */
  upgrades(value: string): boolean {
    const port = numberOf(value, 'port');
    if (port === undefined || port < 1 || port > 65_535) return false;
    this.#sentTo = port;
    return true;
  }

  /** The capability's value, on a connection with TLS at this port: notes to store. */
  binds(value: string, port: number): Notes {
    const duration = numberOf(value, 'duration');
    if (duration === undefined) return [];
    this.#policy = { host: this.#host, port, duration: Math.min(duration, longest), until: 0 };
    return this.renewed();
  }

  /** The time runs from the end of a connection ("Rescheduling expiry on disconnect"): notes to store. */
  renewed(): Notes {
    if (this.#policy === undefined) return [];
    const { host, port, duration } = this.#policy;
    if (duration === 0) {
      this.#policy = undefined;
      return [{ account: this.#account, key, value: null }];
    }
    const until = this.#context.clock.now() + duration * 1_000;
    this.#policy = { host, port, duration, until };
    return [{ account: this.#account, key, value: { host, port, duration, until } }];
  }
}

/** A whole number among `key=value,key=value`; a key that comes twice is no key. */
function numberOf(value: string, name: string): number | undefined {
  const found = value.split(',').filter((one) => one.split('=')[0] === name);
  const [, digits] = /^[^=]+=(\d{1,12})$/.exec(found[0] ?? '') ?? [];
  return found.length === 1 && digits !== undefined ? Number(digits) : undefined;
}

function policyOf(value: JsonValue | undefined): Policy | undefined {
  const { host, port, duration, until } = fieldsOf(value);
  return typeof host === 'string' &&
    typeof port === 'number' &&
    typeof duration === 'number' &&
    typeof until === 'number'
    ? { host, port, duration, until }
    : undefined;
}
