import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Answering } from './answering.js';
import { systemClock, type Clock } from './clock.js';
import { isResponseId } from './commands.js';
import { answerTo } from './decode.js';
import { encode } from './encode.js';
import { RequestFailed, type SessionEnd } from './endings.js';
import type { MalformedPdu } from './errors.js';
import { Outlet } from './outlet.js';
import type { SessionHandlers, SessionOptions } from './options.js';
import type { Answer, Pdu, PduInput, Request, RequestName } from './pdu.js';
import { PduReader, type Read } from './pdu-reader.js';
import { statuses } from './statuses.js';
import { Vitals } from './vitals.js';
import { Window } from './window.js';

/** How long the peer may take to end the connection too. */
const lingerMs = 1_000;

/**
 * One side of an SMPP session over a connection that stands. It says nothing about bind states: those are for whoever
 * made the connection. All that was asked settles when it ends.
 */
export class Session {
  /** How it ended; never rejects. */
  readonly closed: Promise<SessionEnd>;
  readonly #socket: Duplex;
  readonly #handlers: SessionHandlers;
  readonly #clock: Clock;
  readonly #responseMs: number;
  readonly #incomingLimit: number;
  readonly #reader: PduReader;
  readonly #outlet: Outlet;
  readonly #window: Window;
  readonly #vitals: Vitals;
  /** Answers and signs of life that wait until the peer takes something. */
  readonly #control: Buffer[] = [];
  readonly #answering: Answering;
  #isPaused = false;
  #isHeld = false;
  #isReading = false;
  #phase: 'open' | 'unbinding' | 'unbound-by-peer' | 'ended' = 'open';
  #unbindSent = false;
  #peerUnbind: number | undefined;
  #cancelPatience: (() => void) | undefined;
  #end: SessionEnd = { reason: 'closed' };
  #settle: (end: SessionEnd) => void = () => undefined;

  /** @param socket connected, and nothing of it read yet. */
  constructor(socket: Duplex, options: SessionOptions = {}) {
    const { clock = systemClock, responseMs = 30_000, window = 10, incomingLimit = 100 } = options;
    const { enquireMs = 30_000, enquireAnswerMs = 10_000, maxLength, firstSequence = 1 } = options;
    this.#socket = socket;
    this.#handlers = options;
    this.#clock = clock;
    this.#responseMs = responseMs;
    this.#incomingLimit = incomingLimit;
    this.#reader = new PduReader(maxLength);
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#outlet = new Outlet(socket, () => {
      this.#drained();
    });
    this.#window = new Window({ size: window, responseMs, firstSequence }, clock, this.#outlet, () => {
      this.#moveOn();
    });
    const write = (bytes: Buffer): void => {
      this.#write(bytes);
    };
    this.#answering = new Answering(this, options, clock, write, () => {
      this.#moveOn();
      if (this.#isHeld) this.#read();
    });
    this.#vitals = new Vitals(clock, enquireMs, enquireAnswerMs, {
      isBlocked: () => this.#outlet.isBlocked,
      isHeld: () => this.#isHeld,
      enquire: () => {
        this.#write(encode({ command: 'enquire_link' }, this.#window.nextSequence()));
      },
      dead: () => {
        this.#finish({ reason: 'dead' });
      },
    });
    // Without it a small PDU waits for the acknowledgement of the one before: 45 ms for nothing.
    if (socket instanceof Socket) socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (this.#phase === 'ended') return;
      this.#vitals.heard();
      this.#reader.push(chunk);
      this.#read();
    });
    socket.on('end', () => {
      this.#finish({ reason: 'ended-by-peer' });
    });
    socket.on('error', (cause: Error) => {
      this.#finish({ reason: 'network', cause });
    });
    socket.on('close', () => {
      this.#finish({ reason: 'ended-by-peer' });
    });
    if (socket.destroyed) this.#finish({ reason: 'ended-by-peer' });
  }

  /** Whether requests may still be made. */
  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** How many requests would leave at once; 0 or less: the next one waits. */
  get room(): number {
    return this.isOpen ? this.#window.room : 0;
  }

  /** Requests that have left and are not answered. */
  get pending(): number {
    return this.#window.pending;
  }

  /** Resolves when there is room for one more, and when the session is over. */
  whenRoom(): Promise<void> {
    return this.isOpen ? this.#window.whenRoom() : Promise.resolve();
  }

  /**
   * Asks the other side, as soon as there is room; requests leave in the order in which they are made.
   *
   * @param signal takes back what has not left.
   * @returns the answer, whatever its status.
   * @throws RequestFailed where none came, Unencodable where the request cannot be written.
   */
  request<C extends RequestName>(
    pdu: PduInput<C>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Answer<C>> {
    if (!this.isOpen) {
      return Promise.reject(new RequestFailed('not-left', 'ended', { end: this.#end }));
    }
    return this.#window.ask(pdu as PduInput, signal) as Promise<Answer<C>>;
  }

  /** Reads nothing more until `resume`; what has been read is still answered. Timers of our own requests wait. */
  pause(): void {
    this.#isPaused = true;
    this.#hold();
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
  }

  /**
   * Ends in order: lets what is under way be answered, unbinds, and ends the connection. What has not left fails. Takes no
   * longer than twice the response timer.
   */
  async unbind(): Promise<void> {
    if (this.#phase === 'open') {
      this.#phase = 'unbinding';
      this.#window.refuseWaiting({ reason: 'unbound' });
      this.#cancelPatience = this.#clock.after(this.#responseMs, () => {
        this.#sendUnbind();
      });
      this.#moveOn();
    }
    await this.closed;
  }

  /** Ends the connection at once. */
  close(cause?: Error): void {
    this.#finish({ reason: 'closed', ...(cause !== undefined && { cause }) });
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#phase !== 'ended' && !this.#mustHold()) {
      const read = this.#reader.next();
      if (read === undefined) break;
      this.#take(read);
    }
    this.#isReading = false;
    this.#hold();
  }

  #mustHold(): boolean {
    return this.#isPaused || this.#answering.count + this.#control.length >= this.#incomingLimit;
  }

  #hold(): void {
    if (this.#phase === 'ended') return;
    const held = this.#mustHold();
    if (held === this.#isHeld) return;
    this.#isHeld = held;
    this.#window.hold(held);
    if (held) this.#socket.pause();
    else {
      this.#vitals.heard();
      this.#socket.resume();
      this.#read();
    }
  }

  #take(read: Read): void {
    if ('fault' in read) {
      this.#misread(read.fault);
      return;
    }
    const { pdu } = read;
    if (isRequest(pdu)) this.#requested(pdu);
    else if (pdu.command === 'outbind' || pdu.command === 'alert_notification')
      this.#handlers.onNotice?.(pdu);
    else if (!this.#window.answered(pdu) && pdu.command !== 'enquire_link_resp')
      this.#handlers.onStray?.(pdu);
  }

  #requested(request: Request): void {
    if (request.command === 'enquire_link') {
      this.#write(encode({ command: 'enquire_link_resp' }, request.sequence));
    } else if (request.command === 'unbind') {
      this.#unboundByPeer(request.sequence);
    } else if (this.#peerUnbind === undefined) {
      this.#answering.serve(request);
    } else {
      this.#answering.answer(request, { status: statuses.ESME_RINVBNDSTS });
    }
  }

  #misread(fault: MalformedPdu): void {
    this.#handlers.onFault?.(fault);
    const answer = answerTo(fault);
    if (answer !== undefined) this.#write(encode(answer));
    if (fault.scope === 'frame') this.#finish({ reason: 'protocol', cause: fault });
    else if (isResponseId(fault.commandId)) this.#window.unreadable(fault);
  }

  /** What goes past the window: answers, and signs of life. */
  #write(bytes: Buffer): void {
    if (this.#phase === 'ended') return;
    if (this.#outlet.isBlocked) this.#control.push(bytes);
    else this.#outlet.write(bytes);
  }

  #drained(): void {
    if (this.#phase === 'ended') return;
    for (const bytes of this.#control.splice(0)) this.#outlet.write(bytes);
    this.#window.pump();
    if (this.#isHeld) this.#read();
  }

  /** Something was settled: perhaps that is what an unbind waits for. */
  #moveOn(): void {
    if (this.#phase === 'unbinding' && this.pending === 0 && this.#answering.count === 0) this.#sendUnbind();
    else if (this.#phase === 'unbound-by-peer' && this.#answering.count === 0) this.#endUnbound();
  }

  #sendUnbind(): void {
    if (this.#phase !== 'unbinding' || this.#unbindSent) return;
    this.#unbindSent = true;
    const finish = (): void => {
      this.#finish({ reason: 'unbound' });
    };
    this.#cancelPatience?.();
    this.#cancelPatience = this.#clock.after(this.#responseMs, finish);
    this.#window.askPast({ command: 'unbind' }).then(finish, finish);
  }

  #unboundByPeer(sequence: number): void {
    this.#peerUnbind = sequence;
    if (this.#phase === 'open') {
      this.#window.refuseWaiting({ reason: 'unbound-by-peer' });
      this.#cancelPatience = this.#clock.after(this.#responseMs, () => {
        this.#endUnbound();
      });
    }
    this.#phase = 'unbound-by-peer';
    this.#moveOn();
  }

  #endUnbound(): void {
    this.#write(encode({ command: 'unbind_resp' }, this.#peerUnbind));
    this.#finish({ reason: 'unbound-by-peer' });
  }

  #finish(end: SessionEnd): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#end = end;
    this.#window.refuseWaiting(end);
    // Answers that have come are answers, whatever ended the session.
    for (let read = this.#reader.next(); read !== undefined; read = this.#reader.next()) {
      if ('pdu' in read) this.#window.answered(read.pdu);
    }
    this.#cancelPatience?.();
    this.#vitals.stop();
    const inOrder = end.reason === 'unbound' || end.reason === 'unbound-by-peer' || end.reason === 'protocol';
    if (inOrder) {
      this.#outlet.flush();
      for (const bytes of this.#control.splice(0)) this.#outlet.write(bytes);
      this.#outlet.flush();
      this.#socket.end();
      this.#socket.resume();
      const cancel = this.#clock.after(lingerMs, () => {
        this.#socket.destroy();
      });
      this.#socket.once('close', cancel);
    } else {
      this.#socket.destroy();
    }
    this.#window.end(end);
    this.#settle(end);
  }
}

function isRequest(pdu: Pdu): pdu is Request {
  const { command } = pdu;
  return (
    !command.endsWith('_resp') &&
    command !== 'generic_nack' &&
    command !== 'outbind' &&
    command !== 'alert_notification'
  );
}
