import type { ErrorCode } from '#model';
import { Clock, logger } from '#platform';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { JsonLike } from './json.js';
import { Wire } from './wire.js';

const log = logger('bus');

/** Somebody took the request up and did not answer before the deadline: it may have been done or not. */
export class RequestTimeout extends Error {
  override readonly name = 'RequestTimeout';
}

/** Nobody took the request up. */
export class NoResponder extends Error {
  override readonly name = 'NoResponder';
}

/** Whoever serves the address said no, or the request could not be carried. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  /** @param detail a sentence for the person; it crosses processes. */
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** What it throws as `RequestRefused` reaches the asker; anything else does as `internal`. The signal ends with the deadline. */
export type RequestHandler = (body: JsonLike, signal: AbortSignal) => Promise<JsonLike>;

/** Bodies and answers, as UTF-8. */
const largestBody = 64 * 1024;
/** Of one process: asked and not answered, served and not finished. */
const mostAtOnce = 1_000;

type Outcome =
  | { readonly kind: 'answer'; readonly body: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string };

interface Question {
  readonly id: string;
  readonly from: string;
  readonly ms: number;
  /** JSON, as text. */
  readonly body: string;
}
type Reply = { readonly id: string } & ({ readonly kind: 'taken' } | Outcome);

interface Open {
  taken: boolean;
  settle: (outcome: Outcome | undefined) => void;
}

/**
 * Questions and momentary acts for whoever serves an address, in this process or another: answered, refused or timed
 * out, never repeated and never kept. Who takes a question up says so at once, which tells "nobody there" from "too
 * slow". Where several processes serve one address, each of them does it and the first answer counts.
 */
@Injectable()
export class Requests implements BeforeApplicationShutdown {
  readonly #self = randomUUID();
  readonly #handlers = new Map<string, { readonly handler: RequestHandler }>();
  readonly #open = new Map<string, Open>();
  readonly #hangUp: () => void;
  readonly #ends = new Set<() => void>();
  #serving = 0;

  constructor(
    private readonly wire: Wire,
    private readonly clock: Clock,
  ) {
    this.#hangUp = wire.listen(
      replyChannel(this.#self),
      (text) => {
        this.#onReply(text);
      },
      () => undefined,
    );
  }

  /** Serves an address until the answer is called. The latest to serve an address in this process is the one who does. */
  serve(address: string, handler: RequestHandler): () => void {
    const served = { handler };
    const hangUp = this.wire.listen(
      questionChannel(address),
      (text) => {
        if (this.#handlers.get(address) === served) void this.#onQuestion(handler, text);
      },
      () => undefined,
    );
    this.#handlers.set(address, served);
    const end = (): void => {
      this.#ends.delete(end);
      hangUp();
      if (this.#handlers.get(address) === served) this.#handlers.delete(address);
    };
    this.#ends.add(end);
    return end;
  }

  /**
   * Asks whoever serves the address. Body and answer are JSON of at most 64 KiB each.
   * @throws NoResponder RequestTimeout RequestRefused
   */
  async ask(address: string, body: JsonLike, deadlineMs: number): Promise<JsonLike> {
    const text = JSON.stringify(body);
    if (isTooLarge(text)) throw new RequestRefused('too-large', 'a request must fit into 64 KiB');
    const served = this.#handlers.get(address);
    const outcome = served
      ? await this.#askHere(served.handler, text, deadlineMs)
      : await this.#askElsewhere(address, text, deadlineMs);
    switch (outcome.kind) {
      case 'answer':
        return JSON.parse(outcome.body) as JsonLike;
      case 'refused':
        throw new RequestRefused(outcome.code, outcome.detail);
    }
  }

  beforeApplicationShutdown(): void {
    for (const end of [...this.#ends]) end();
    for (const { settle } of [...this.#open.values()]) settle(undefined);
    this.#hangUp();
  }

  async #askHere(handler: RequestHandler, text: string, deadlineMs: number): Promise<Outcome> {
    return await this.#wait(randomUUID(), deadlineMs, (open) => {
      open.taken = true;
      void this.#serve(handler, text, deadlineMs).then(open.settle);
    });
  }

  async #askElsewhere(address: string, text: string, deadlineMs: number): Promise<Outcome> {
    const id = randomUUID();
    const question: Question = { id, from: this.#self, ms: deadlineMs, body: text };
    return await this.#wait(id, deadlineMs, (open) => {
      void this.wire.send(questionChannel(address), JSON.stringify(question)).then((receivers) => {
        if (receivers === 0) open.settle(undefined);
      });
    });
  }

  /** Opens a question, begins it and waits for its outcome, at most until the deadline. */
  async #wait(id: string, deadlineMs: number, begin: (open: Open) => void): Promise<Outcome> {
    if (this.#open.size >= mostAtOnce) throw new RequestRefused('rate-limited', 'too many requests at once');
    let cancel: () => void = () => undefined;
    const open: Open = { taken: false, settle: () => undefined };
    const outcome = await new Promise<Outcome | undefined>((settle) => {
      open.settle = settle;
      this.#open.set(id, open);
      cancel = this.clock.after(deadlineMs, () => {
        settle(undefined);
      });
      begin(open);
    });
    cancel();
    this.#open.delete(id);
    if (outcome) return outcome;
    throw open.taken ? new RequestTimeout('no answer in time') : new NoResponder('nobody serves this');
  }

  async #onQuestion(handler: RequestHandler, text: string): Promise<void> {
    const question = parse(text) as Question | undefined;
    if (!question) return;
    const reply = (what: Reply): void => {
      void this.wire.send(replyChannel(question.from), JSON.stringify(what));
    };
    reply({ id: question.id, kind: 'taken' });
    reply({ id: question.id, ...(await this.#serve(handler, question.body, question.ms)) });
  }

  #onReply(text: string): void {
    const reply = parse(text) as Reply | undefined;
    const open = reply && this.#open.get(reply.id);
    if (!open) return;
    if (reply.kind === 'taken') open.taken = true;
    else open.settle(reply);
  }

  async #serve(handler: RequestHandler, text: string, deadlineMs: number): Promise<Outcome> {
    if (this.#serving >= mostAtOnce) return refusal('rate-limited', 'too many requests at once');
    const over = new AbortController();
    const cancel = this.clock.after(deadlineMs, () => {
      over.abort(new RequestTimeout('the asker has gone'));
    });
    this.#serving++;
    try {
      const body = JSON.stringify(await handler(JSON.parse(text) as JsonLike, over.signal));
      return isTooLarge(body)
        ? refusal('too-large', 'the answer does not fit into 64 KiB')
        : { kind: 'answer', body };
    } catch (err) {
      if (err instanceof RequestRefused) return refusal(err.code, err.detail);
      if (!over.signal.aborted) log.error({ err }, 'a request handler failed');
      return refusal('internal', 'the request failed');
    } finally {
      this.#serving--;
      cancel();
    }
  }
}

function refusal(code: ErrorCode, detail: string): Outcome {
  return { kind: 'refused', code, detail };
}

function isTooLarge(text: string): boolean {
  return text.length > largestBody || Buffer.byteLength(text) > largestBody;
}

function questionChannel(address: string): string {
  return `ask:${address}`;
}

function replyChannel(process: string): string {
  return `reply:${process}`;
}

/** What one of our own processes said, of whatever version; what is no JSON is dropped. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
