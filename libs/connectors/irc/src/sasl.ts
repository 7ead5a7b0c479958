/*
 * Signing in by SASL (IRCv3 sasl 3.2): one exchange, which ends in `done` or `failed`. The strongest mechanism that the
 * server offers and that we have the means for comes first: a client certificate (EXTERNAL), SCRAM-SHA-256, PLAIN. One
 * password is tried once; another mechanism follows only where the server has not seen a password yet.
 */
import { Scram, ScramError, words } from '#connector/session';
import { failure, type Failure } from '#model';

/** What we can sign in by, the strongest first. */
export const mechanisms = ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'] as const;
export type SaslMechanism = (typeof mechanisms)[number];

/** A payload is base64 in pieces of so many characters; a shorter one ends it. */
const piece = 400;
const mostPieces = 40;

export interface SaslParts {
  /** The services account; without one the certificate alone says who we are. */
  readonly account: string | undefined;
  readonly password: string | undefined;
  /** Whether the server has seen our client certificate. */
  readonly certificate: boolean;
  /** The one mechanism that the person allows; all where they named none. */
  readonly only: SaslMechanism | undefined;
  readonly send: (line: string) => void;
  readonly done: () => void;
  readonly failed: (why: Failure) => void;
}

export class Sasl {
  readonly #parts: SaslParts;
  #candidates: SaslMechanism[];
  #mechanism: SaslMechanism | undefined;
  #step: 'idle' | 'named' | 'first' | 'thinking' | 'final' | 'given' | 'over' = 'idle';
  #scram: Scram | undefined;
  #pieces: string[] = [];
  #account = false;

  constructor(parts: SaslParts) {
    this.#parts = parts;
    const { only, certificate, password } = parts;
    const named = password !== undefined && parts.account !== undefined;
    this.#candidates = mechanisms.filter(
      (one) => (one === 'EXTERNAL' ? certificate : named) && (only === undefined || one === only),
    );
  }

  /** Begins. @param offer the value of the `sasl` capability; empty where the server names no mechanisms. */
  begin(offer: string): void {
    this.#narrow(offer);
    // Who names none is older than SCRAM, and some of the kind do not even say so.
    if (offer === '') this.#candidates.sort((one, other) => Number(isScram(one)) - Number(isScram(other)));
    this.#next();
  }

  /** A piece of a challenge. */
  challenge(text: string): void {
    if (this.#step === 'over') return;
    if (text !== '+') this.#pieces.push(text);
    if (text.length >= piece && this.#pieces.length < mostPieces) return;
    const whole = this.#pieces.splice(0).join('');
    this.#challenged(Buffer.from(whole, 'base64').toString('utf8'), whole === '');
  }

  /** 900 to 908. */
  numeric(command: string, parameters: readonly string[]): void {
    if (this.#step === 'over') return;
    const text = words(parameters.at(-1));
    switch (command) {
      case '900':
        this.#account = true;
        return;
      case '903':
        this.#succeeded();
        return;
      case '907':
        if (this.#account) this.#succeeded();
        else this.#broken('The server says that we have signed in before, and does not say as whom.');
        return;
      case '902':
        this.#end(failure('auth-failed', text ?? 'The services account is locked.'));
        return;
      case '904':
        this.#refused(text);
        return;
      case '905':
        this.#end(failure('auth-method', text ?? 'The sign-in is too long for the server.'));
        return;
      case '906':
        this.#broken(text);
        return;
      case '908':
        this.#narrow(parameters[1] ?? '');
        return;
      default:
    }
  }

  close(): void {
    this.#step = 'over';
    this.#scram = undefined;
  }

  #narrow(offer: string): void {
    const offered = offer.toUpperCase().split(',');
    if (offer !== '') this.#candidates = this.#candidates.filter((one) => offered.includes(one));
  }

  #next(): void {
    const mechanism = this.#candidates.shift();
    if (mechanism === undefined) {
      const { only } = this.#parts;
      const how = only ?? 'anything that the settings give';
      this.#end(failure('auth-method', `The server does not sign in by ${how}.`));
      return;
    }
    this.#mechanism = mechanism;
    this.#step = 'named';
    this.#parts.send(`AUTHENTICATE ${mechanism}`);
  }

  #challenged(text: string, empty: boolean): void {
    const { account, password = '' } = this.#parts;
    switch (this.#step) {
      case 'named':
        if (!empty) {
          this.#broken(undefined);
        } else if (this.#mechanism === 'EXTERNAL') {
          this.#step = 'given';
          this.#give(account ?? '');
        } else if (this.#mechanism === 'PLAIN') {
          this.#step = 'given';
          this.#give(`${account ?? ''}\0${account ?? ''}\0${password}`);
        } else {
          this.#scram = new Scram({ hash: 'SCRAM-SHA-256', user: account ?? '', password, binding: 'none' });
          this.#step = 'first';
          this.#give(this.#scram.first());
        }
        return;
      case 'first':
        this.#step = 'thinking';
        void this.#think(text);
        return;
      case 'final':
        this.#verify(text);
        return;
      case 'idle':
      case 'thinking':
      case 'given':
      case 'over':
        this.#broken(undefined);
    }
  }

  async #think(serverFirst: string): Promise<void> {
    try {
      const answer = await this.#scram?.final(serverFirst);
      if (this.#isOver() || answer === undefined) return;
      this.#step = 'final';
      this.#give(answer);
    } catch (error) {
      this.#distrust(error);
    }
  }

  #verify(serverFinal: string): void {
    try {
      this.#scram?.verify(serverFinal);
      this.#step = 'given';
      this.#give('');
    } catch (error) {
      this.#distrust(error);
    }
  }

  #distrust(error: unknown): void {
    const why = error instanceof ScramError ? error.message : 'SCRAM-SHA-256 cannot be computed.';
    this.#end(failure('auth-failed', why));
  }

  /** Signed in, if the server has let us give what it needs and has proved what it must. */
  #succeeded(): void {
    if (this.#step === 'given') {
      this.close();
      this.#parts.done();
    } else if (this.#scram !== undefined && this.#step !== 'named') {
      this.#end(failure('auth-failed', 'The server did not prove that it knows the password.'));
    } else {
      this.#broken('The server signs us in without having asked who we are.');
    }
  }

  /**
   * 904 means several things: the mechanism is not taken (nothing was given yet); the account has nothing to compare a
   * SCRAM with (nothing secret was given yet); the certificate is nobody's; or the password is wrong.
   */
  #refused(text: string | undefined): void {
    const unproved = this.#step === 'named' || this.#step === 'first' || this.#mechanism === 'EXTERNAL';
    if (unproved && this.#candidates.length > 0) {
      this.#scram = undefined;
      this.#next();
    } else if (this.#step === 'named') {
      this.#broken(text);
    } else if (this.#mechanism === 'EXTERNAL') {
      this.#end(failure('auth-failed', text ?? 'The services know no such certificate.'));
    } else {
      this.#end(failure('auth-failed', text ?? 'The services account and password do not fit.'));
    }
  }

  /** Services that are away for a while look like this: worth another try, later. */
  #broken(text: string | undefined): void {
    this.#end(failure('auth-method', text ?? 'The server broke the sign-in off.', 'retry'));
  }

  #end(why: Failure): void {
    if (this.#step === 'over') return;
    this.close();
    this.#parts.failed(why);
  }

  #isOver(): boolean {
    return this.#step === 'over';
  }

  #give(text: string): void {
    const whole = Buffer.from(text).toString('base64');
    for (let at = 0; at < whole.length; at += piece) {
      this.#parts.send(`AUTHENTICATE ${whole.slice(at, at + piece)}`);
    }
    if (whole.length % piece === 0) this.#parts.send('AUTHENTICATE +');
  }
}

function isScram(mechanism: SaslMechanism): boolean {
  return mechanism === 'SCRAM-SHA-256';
}
