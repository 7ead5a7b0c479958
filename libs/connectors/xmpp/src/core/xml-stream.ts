/*
 * One stream over one connection: elements in and out, begun and begun anew as the negotiation goes on. Paused, it hands
 * nothing on and soon reads nothing; long bursts are handed on in slices, so that one flooding server does not hold up
 * the others. A server that writes what no stream may hold is told so, and heard no more.
 */
import type { SessionClock } from '#connector';
import { Slice, Timers } from '#connector/session';
import { failure, type Failure } from '#model';
import { streamErrorNamespace, streamFailure } from '../failures.js';
import type { Secured } from './channel-binding.js';
import {
  clientNamespace,
  StreamReader,
  streamNamespace,
  type StreamFault,
  type StreamHeader,
  type StreamReaderLimits,
} from './stream-reader.js';
import type { Ending, Stream, StreamHandler } from './stream.js';
import { seenElsewhere } from './see-other-host.js';
import { Wire, type WireOptions } from './wire.js';
import { serialise, xml, type Element } from './xml.js';

/** How long others wait for one stream's burst. */
const sliceMs = 15;

/** What is said of a stream when it is begun (RFC 6120 §4.7). */
export interface StreamOpening {
  readonly to: string;
  /** The content namespace; `jabber:client` has a version and a language besides. */
  readonly content: 'jabber:client' | 'jabber:component:accept';
  readonly limits?: Partial<StreamReaderLimits>;
}

/** Who hears a stream while it comes about. */
export interface OpeningHandler extends StreamHandler {
  /** Connected, and secured where that was asked for: the stream can be begun. */
  opened(): void;
  header(header: StreamHeader): void;
}

export interface XmlStreamOptions extends WireOptions {
  readonly clock: SessionClock;
  /** How long a server may take to answer our farewell, in milliseconds. */
  readonly farewellMs: number;
}

export class XmlStream implements Stream {
  readonly #wire: Wire;
  readonly #timers: Timers;
  readonly #farewellMs: number;
  #handler: StreamHandler | OpeningHandler | undefined;
  #reader = new StreamReader();
  #content = 'jabber:client';
  #begun = false;
  #paused = false;
  #pumping = false;
  readonly #slice = new Slice(sliceMs, () => {
    this.#flow();
  });
  #cut: { readonly why: Failure | undefined } | undefined;
  /** We have said that we close. */
  #leaving = false;
  /** Nothing more is heard: the stream is left for another connection to go on with. */
  #deaf = false;
  #over = false;
  readonly #waiting: (() => void)[] = [];

  constructor(options: XmlStreamOptions) {
    this.#timers = new Timers(options.clock);
    this.#farewellMs = options.farewellMs;
    this.#wire = new Wire(options, {
      opened: () => {
        if (this.#handler !== undefined && 'opened' in this.#handler) this.#handler.opened();
      },
      bytes: (chunk) => {
        if (this.#over || this.#deaf) return;
        this.#reader.push(chunk);
        this.#pump();
      },
      drained: () => {
        if (!this.#over) this.#handler?.drained?.();
      },
      closed: (why) => {
        this.#cut = { why };
        this.#pump();
      },
    });
  }

  connect(): void {
    this.#wire.open();
  }

  get secure(): boolean {
    return this.#wire.secured !== undefined;
  }

  get backlog(): number {
    return this.#wire.backlog;
  }

  /** The encrypted connection; undefined in clear. */
  get secured(): Secured | undefined {
    return this.#wire.secured;
  }

  handle(handler: StreamHandler | OpeningHandler): void {
    this.#handler = handler;
    if (!this.#paused) this.#flow();
  }

  /** Nobody hears it from now on, until somebody else does: what comes meanwhile waits. */
  release(): void {
    this.#handler = undefined;
    this.#paused = false;
    this.#wire.pause();
  }

  /** Begins the stream, or begins it anew: what was read before counts no more. */
  begin(opening: StreamOpening): void {
    this.#reader = new StreamReader(opening.limits);
    this.#content = opening.content;
    this.#begun = true;
    const more = opening.content === 'jabber:client' ? { version: '1.0', 'xml:lang': 'en' } : {};
    const attrs = { xmlns: opening.content, 'xmlns:stream': streamNamespace, to: opening.to, ...more };
    const header = serialise(xml('stream:stream', attrs));
    this.#wire.write(`<?xml version="1.0"?>${header.slice(0, -2)}>`);
  }

  /**
   * Goes on in TLS; `opened` tells when. False where the server has said more than its consent already: that was written
   * in clear, perhaps by somebody else, and must not count as said in TLS.
   */
  upgrade(): boolean {
    if (this.isAhead) return false;
    this.#begun = false;
    this.#wire.upgrade();
    return true;
  }

  /** Whether the server has said more than what was handed on. */
  get isAhead(): boolean {
    return this.#reader.isAhead;
  }

  send(element: Element): void {
    if (!this.#leaving && !this.#over) this.#wire.write(serialise(element, clientNamespace));
  }

  pause(): void {
    this.#paused = true;
    this.#wire.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow();
  }

  async close(): Promise<void> {
    const gone = this.#gone();
    this.#farewell();
    // Unread, the server's answer would never be seen.
    this.resume();
    await gone;
  }

  async drop(): Promise<void> {
    const gone = this.#gone();
    this.#leaving = true;
    // Read on and let go of what comes: unread bytes at the end would reset the connection and take our last words along.
    this.#deaf = true;
    this.#reader = new StreamReader();
    this.#paused = false;
    this.#wire.resume();
    this.#wire.finish();
    await gone;
  }

  destroy(why?: Failure): void {
    this.#finish({ closed: false, ...(why !== undefined && { failure: why }) });
  }

  async #gone(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((done) => {
      this.#waiting.push(done);
      this.#timers.set('farewell', this.#farewellMs, () => {
        this.destroy();
      });
    });
  }

  #farewell(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    if (this.#begun) this.#wire.write('</stream:stream>');
    else this.#wire.finish();
  }

  #flow(): void {
    // The elements at hand may have led to the next pause.
    this.#pump();
    if (!this.#isHeld() && !this.#slice.isPostponed) this.#wire.resume();
  }

  #pump(): void {
    if (this.#pumping || this.#over) return;
    this.#pumping = true;
    this.#slice.begin();
    let handed = 0;
    while (!this.#isHeld() && !this.#slice.isUsedUp()) {
      const item = this.#reader.next();
      if (item === undefined) break;
      if (item === 'more') continue;
      handed++;
      if (item.kind === 'fault') this.#broken(item.fault);
      else if (item.kind === 'end') this.#ended();
      else if (item.kind === 'open') this.#opened(item.header);
      else this.#element(item.stanza);
      if (this.#isOver()) return;
    }
    if (handed > 0) this.#handler?.lull?.();
    this.#pumping = false;
    if (this.#slice.isPostponed) {
      this.#wire.pause();
    } else if (this.#cut !== undefined && !this.#isHeld()) {
      this.#cutOff(this.#cut.why);
    }
  }

  #opened(header: StreamHeader): void {
    if (header.content !== this.#content) {
      this.#broken({
        condition: 'invalid-namespace',
        detail: 'The server speaks of something else than XMPP.',
      });
    } else if (this.#handler !== undefined && 'header' in this.#handler) {
      this.#handler.header(header);
    }
  }

  #element(element: Element): void {
    if (!element.is('error', streamNamespace)) {
      this.#handler?.element(element);
      return;
    }
    const elsewhere = element.getChildText('see-other-host', streamErrorNamespace);
    const seeOther = elsewhere === null ? undefined : seenElsewhere(elsewhere);
    this.#farewell();
    this.#finish({
      closed: true,
      failure: streamFailure(element),
      ...(seeOther !== undefined && { seeOther }),
    });
  }

  /** The server has closed the stream; unless we asked for it, nobody knows why. */
  #ended(): void {
    const asked = this.#leaving;
    this.#farewell();
    const why = failure('server-shutdown', 'The server closed the stream.');
    this.#finish({ closed: true, ...(!asked && { failure: why }) });
  }

  /** The server is told what is wrong (RFC 6120 §4.9.1), and heard no more. */
  #broken(fault: StreamFault): void {
    const said = serialise(xml(fault.condition, { xmlns: streamErrorNamespace }));
    if (this.#begun && !this.#leaving) this.#wire.write(`<stream:error>${said}</stream:error>`);
    this.#farewell();
    this.#finish({ closed: true, failure: failure('protocol-violation', fault.detail), fault });
  }

  #cutOff(why: Failure | undefined): void {
    const failed =
      why ?? (this.#leaving ? undefined : failure('network-unreachable', 'The connection was cut.'));
    this.#finish({ closed: false, ...(failed !== undefined && { failure: failed }) });
  }

  /** Asked anew after every element, because whoever hears it may change it. */
  #isHeld(): boolean {
    return this.#paused || this.#handler === undefined;
  }

  #isOver(): boolean {
    return this.#over;
  }

  #finish(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#timers.clear();
    this.#wire.finish();
    this.#wire.destroy();
    this.#handler?.ended(ending);
    for (const done of this.#waiting.splice(0)) done();
  }
}
