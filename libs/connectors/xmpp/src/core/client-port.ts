/*
 * The port of a client: one bound resource (RFC 6120 §7), over as many streams as resume it (XEP-0198). It writes,
 * counts, acknowledges and asks; what is heard goes to the binding, stanza by stanza.
 *
 * A stream that breaks suspends the port: what is not acknowledged waits for the resumption, but not for ever
 * (`timings.resume`). Then its senders are told that nobody knows, and it is not sent again.
 */
import { Timers } from '#connector/session';
import type { SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import type { XmppTimings } from '../timings.js';
import { Asking } from './asking.js';
import { PingConfirmation } from './ping-confirmation.js';
import type { Fate, IqAnswer, IqAsk, Port, Self } from './port.js';
import { managementNamespace, StreamManagement, type Resumable } from './stream-management.js';
import type { Ending, Stream } from './stream.js';
import { fits, xml, type Element } from './xml.js';

/** Most servers take 256 KiB of a client, some 64; a stanza that is too large ends the stream and all that is in flight. */
const usualMaxBytes = 60_000;

export interface ClientPortOptions {
  readonly self: Self;
  /** Bytes of one stanza that the server takes, where it says so. */
  readonly maxBytes?: number;
  readonly clock: SessionClock;
  readonly timings: XmppTimings;
  /** Nobody can guess it: questions bear it. */
  readonly mark: string;
  /** Calls when everything that was pushed so far is stored. */
  readonly stored: (call: () => void) => void;
  readonly handler: ClientPortHandler;
}

export interface ClientPortHandler {
  /** A stanza that answers no question of ours. */
  stanza(stanza: Element): void;
  /** Everything that has come so far was handed on. */
  lull(): void;
  /** The stream is over; the port waits for the next where it can be resumed. */
  broken(ending: Ending): void;
}

export class ClientPort implements Port {
  readonly self: Self;
  readonly maxBytes: number;
  readonly #options: ClientPortOptions;
  readonly #timers: Timers;
  readonly #asking: Asking;
  readonly #pings: PingConfirmation;
  #management: StreamManagement | undefined;
  #stream: Stream | undefined;
  #resumable = true;
  #writing = false;
  #over = false;
  #whenAcknowledged: (() => void) | undefined;

  constructor(options: ClientPortOptions) {
    const { self, clock, timings, mark } = options;
    this.#options = options;
    this.self = self;
    this.maxBytes = options.maxBytes ?? usualMaxBytes;
    this.#timers = new Timers(clock);
    this.#asking = new Asking({
      clock,
      self: () => self,
      write: (stanza, settled) => {
        this.send(stanza, settled);
      },
      usualMs: timings.iq,
      mark,
    });
    this.#pings = new PingConfirmation(
      self.domain,
      (ask) => this.iq(ask),
      () => {
        this.#acknowledged();
      },
    );
  }

  /** Whether the stream can be resumed after a cut, and everything that came over it is stored. */
  get resumable(): Resumable | undefined {
    return this.#over || !this.#resumable ? undefined : this.#management?.resumable;
  }

  /** Whether everything that came over the stream is stored. */
  get isSettled(): boolean {
    return this.#management?.isSettled !== false;
  }

  get isConnected(): boolean {
    return this.#stream !== undefined;
  }

  /** Bytes that the server has not taken yet. */
  get backlog(): number {
    return this.#stream?.backlog ?? 0;
  }

  /** Waits until the server has acknowledged all that has left, but no longer than that. */
  async acknowledgedAll(withinMs: number): Promise<void> {
    if (this.#stream === undefined || this.#unacknowledged === 0) return;
    this.#requestSoon();
    await new Promise<void>((done) => {
      const cancel = this.#options.clock.after(withinMs, done);
      this.#whenAcknowledged = () => {
        cancel();
        done();
      };
    });
    this.#whenAcknowledged = undefined;
  }

  /** The first stream. @param management where the server has agreed to it. */
  begin(stream: Stream, management: StreamManagement | undefined): void {
    this.#management = management;
    this.#carry(stream);
  }

  /**
   * A stream that goes on where the last one broke.
   * @param h the server's count of our stanzas.
   * @returns false where it cannot be right; then the stream is of no use.
   */
  resume(stream: Stream, h: string | undefined): boolean {
    const management = this.#management;
    if (management?.acknowledged(h) !== true) return false;
    this.#timers.cancel('resume');
    this.#carry(stream);
    for (const stanza of management.again()) stream.send(stanza);
    this.#requestSoon();
    return true;
  }

  /** The server's last count for a stream that it does not resume (XEP-0198 §5): it settles what it can. */
  learn(h: string | undefined): void {
    if (h !== undefined) this.#management?.acknowledged(h);
  }

  send(stanza: Element, settled?: (fate: Fate) => void): void {
    if (this.#over) {
      settled?.('lost');
      return;
    }
    if (!fits(stanza, this.maxBytes)) {
      settled?.('too-large');
      return;
    }
    if (this.#management === undefined) this.#pings.sent(settled);
    else this.#management.sent(stanza, settled);
    this.#stream?.send(stanza);
    if ((settled !== undefined && stanza.getName() !== 'iq') || this.#management?.isDue === true)
      this.#requestSoon();
  }

  async iq(ask: IqAsk): Promise<IqAnswer> {
    return this.#asking.ask(ask);
  }

  /** Reads no more until `easeOff`. */
  holdBack(): void {
    this.#stream?.pause();
  }

  easeOff(): void {
    this.#stream?.resume();
  }

  /** Says how far everything is stored, where the server waits for it. */
  progress(): void {
    const progress = this.#management?.progress();
    if (progress !== undefined) this.#write(progress);
  }

  /** Ends the stream in order; the server forgets it. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const last = this.#management?.farewell();
    if (last !== undefined) this.#write(last);
    await stream.close();
  }

  /** Ends the connection and leaves the stream to be resumed. */
  async drop(): Promise<void> {
    await this.#stream?.drop();
  }

  /** Ends the connection now. */
  destroy(why?: Failure): void {
    this.#stream?.destroy(why);
  }

  /** The binding is over: every question and every stanza gets its last answer. */
  end(why: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.clear();
    this.#asking.end(why);
    this.#management?.giveUp();
    this.#pings.giveUp();
    this.#stream?.destroy();
    this.#stream = undefined;
  }

  #carry(stream: Stream): void {
    this.#stream = stream;
    this.#heard();
    stream.handle({
      element: (element) => {
        this.#heard();
        this.#element(element);
      },
      lull: () => {
        this.#options.handler.lull();
        this.progress();
        // What waits for its acknowledgement is held: questions and their answers too, long after they were heard.
        if (this.#management !== undefined && this.#management.unacknowledged > 0) this.#requestSoon();
      },
      ended: (ending) => {
        this.#broken(stream, ending);
      },
    });
    stream.resume();
  }

  #element(element: Element): void {
    if (element.getNS() === managementNamespace) {
      this.#managed(element);
      return;
    }
    const name = element.getName();
    if (name !== 'message' && name !== 'presence' && name !== 'iq') return;
    const stored = this.#management?.received();
    if (name !== 'iq' || !this.#asking.hear(element)) this.#options.handler.stanza(element);
    if (stored === undefined) return;
    this.#options.stored(() => {
      stored();
      this.progress();
    });
  }

  #managed(element: Element): void {
    const management = this.#management;
    if (management === undefined) return;
    if (element.is('r', managementNamespace)) {
      this.#write(management.asked());
    } else if (element.is('a', managementNamespace)) {
      if (management.acknowledged(element.attrs['h'])) {
        this.#acknowledged();
        this.#requestSoon();
      } else
        this.#stream?.destroy(failure('protocol-violation', 'The server acknowledges what we did not send.'));
    }
  }

  get #unacknowledged(): number {
    return (this.#management ?? this.#pings).unacknowledged;
  }

  #acknowledged(): void {
    if (this.#unacknowledged === 0) this.#whenAcknowledged?.();
  }

  /** Asks for acknowledgement once for all that leaves in one turn. */
  #requestSoon(): void {
    if (this.#writing) return;
    this.#writing = true;
    setImmediate(() => {
      this.#writing = false;
      if (this.#stream === undefined) return;
      if (this.#management === undefined) this.#pings.request();
      else this.#request(this.#management);
    });
  }

  #request(management: StreamManagement): void {
    const request = management.request();
    if (request !== undefined) this.#write(request);
  }

  #write(element: Element): void {
    this.#stream?.send(element);
  }

  /** Something came: the server is there. After a silence it is asked, and must answer. */
  #heard(): void {
    const { idle, answer } = this.#options.timings;
    this.#timers.cancel('answer');
    this.#timers.set('idle', idle, () => {
      this.#timers.set('answer', answer, () => {
        this.#stream?.destroy(failure('timeout', 'The server does not answer any more.'));
      });
      if (this.#management === undefined) {
        void this.iq({ type: 'get', to: this.self.domain, payload: xml('ping', { xmlns: 'urn:xmpp:ping' }) });
      } else {
        this.#write(xml('r', { xmlns: managementNamespace }));
      }
    });
  }

  #broken(stream: Stream, ending: Ending): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#timers.clear();
    // What the server has closed it does not resume; and what we cannot read it would send again.
    this.#resumable = !ending.closed && ending.fault === undefined;
    if (this.resumable !== undefined) {
      this.#timers.set('resume', this.#options.timings.resume, () => {
        this.#management?.giveUp();
      });
    }
    this.#whenAcknowledged?.();
    this.#options.handler.broken(ending);
  }
}
