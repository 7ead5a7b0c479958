import type { Clock } from './clock.js';
import { encode } from './encode.js';
import type { Reply, SessionHandlers } from './options.js';
import type { PduInput, Request } from './pdu.js';
import type { Session } from './session.js';
import { statuses } from './statuses.js';

/** The requests of the other side, from when they come until they are answered. */
export class Answering {
  readonly #session: Session;
  readonly #handlers: SessionHandlers;
  readonly #clock: Clock;
  readonly #write: (bytes: Buffer) => void;
  readonly #settled: () => void;
  #count = 0;

  /** @param settled is told when a request has been answered. */
  constructor(
    session: Session,
    handlers: SessionHandlers,
    clock: Clock,
    write: (bytes: Buffer) => void,
    settled: () => void,
  ) {
    this.#session = session;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#write = write;
    this.#settled = settled;
  }

  /** Requests that are not answered yet. */
  get count(): number {
    return this.#count;
  }

  serve(request: Request): void {
    const { onRequest } = this.#handlers;
    if (onRequest === undefined) {
      this.answer(request, { status: statuses.ESME_RINVCMDID });
      return;
    }
    this.#count++;
    const done = (reply: Reply | undefined): void => {
      this.#count--;
      this.answer(request, reply ?? {});
      this.#settled();
    };
    const failed = (): void => {
      done({ status: failureOf(request) });
    };
    let reply: Promise<Reply | undefined> | Reply | undefined;
    try {
      const receivedAt = this.#clock.monotonic();
      reply = onRequest(request, { session: this.#session, receivedAt });
    } catch {
      failed();
      return;
    }
    if (reply instanceof Promise) void reply.then(done, failed);
    else done(reply);
  }

  answer(request: Request, reply: Reply): void {
    const command = `${request.command}_resp`;
    let bytes: Buffer;
    try {
      bytes = encode({ ...reply, command } as PduInput, request.sequence);
    } catch {
      bytes = encode({ command, status: failureOf(request) } as PduInput, request.sequence);
    }
    this.#write(bytes);
  }
}

/** What may go better another time (SMPP 3.4 §5.1.3). */
function failureOf({ command }: Request): number {
  return command === 'deliver_sm' || command === 'data_sm' ? statuses.ESME_RX_T_APPN : statuses.ESME_RSYSERR;
}
