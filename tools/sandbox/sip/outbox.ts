/*
 * Messages to accounts: each goes to all contacts of its account at once, in order, and waits here until one of them has
 * taken it. Offered again it is the same request: Call-ID, CSeq and From with its tag stay, as a proxy that stores it does.
 */
import {
  parseRetryAfter,
  requestOf,
  type Answer,
  type Headers,
  type SipRequest,
  type SipStack,
} from '#protocols/sip';
import type { Binding } from './registrar.js';

export interface Letter {
  readonly headers: Headers;
  readonly body: Buffer;
}

interface Waiting {
  readonly letter: Letter;
  /** The tries under way, by the flow that they go over. */
  readonly tries: Map<string, AbortController>;
  isOver: boolean;
}

/** A phone that is told to come back later does so within a test's time. */
const longestWaitMs = 1_000;

export class Outbox {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #bindings: (user: string) => readonly Binding[];
  readonly #stack: () => SipStack | undefined;
  readonly #retryMs: number;
  isDoubling = false;

  constructor(
    bindings: (user: string) => readonly Binding[],
    stack: () => SipStack | undefined,
    retryMs: number,
  ) {
    this.#bindings = bindings;
    this.#stack = stack;
    this.#retryMs = retryMs;
  }

  /** Messages that nobody has taken yet. */
  undelivered(user: string): number {
    return this.#waiting.get(user)?.length ?? 0;
  }

  put(user: string, letter: Letter): void {
    const waiting = { letter, tries: new Map<string, AbortController>(), isOver: false };
    const all = this.#waiting.get(user);
    if (all === undefined) this.#waiting.set(user, [waiting]);
    else all.push(waiting);
    this.#offer(user, waiting);
  }

  /** Offers everything that waits, in order: the account has come, or come again. */
  pump(user: string): void {
    for (const waiting of [...(this.#waiting.get(user) ?? [])]) this.#offer(user, waiting);
  }

  #offer(user: string, waiting: Waiting): void {
    const bindings = this.#bindings(user);
    for (const [id, attempt] of waiting.tries) {
      if (bindings.some(({ flow }) => flow.id === id)) continue;
      // It goes where nobody is any more.
      waiting.tries.delete(id);
      attempt.abort();
    }
    for (const binding of bindings) {
      if (!waiting.isOver && !waiting.tries.has(binding.flow.id)) void this.#try(user, waiting, binding);
    }
  }

  async #try(user: string, waiting: Waiting, { uri, flow }: Binding): Promise<void> {
    const stack = this.#stack();
    if (stack === undefined) return;
    const attempt = new AbortController();
    waiting.tries.set(flow.id, attempt);
    const { headers, body } = waiting.letter;
    const ask = (): Promise<Answer> =>
      stack.request({ request: messageTo(uri, headers, body), hops: [flow], signal: attempt.signal });
    const answers = [ask(), ...(this.isDoubling ? [ask()] : [])];
    const [answer] = await Promise.all(answers);
    if (waiting.tries.get(flow.id) === attempt) waiting.tries.delete(flow.id);
    if (waiting.isOver || attempt.signal.aborted || answer === undefined) return;
    if (answer.answer === 'response') {
      const { status } = answer.response;
      // What is refused for good is not offered again.
      if (status < 300 || (status >= 400 && status < 500 && ![404, 408, 480].includes(status))) {
        this.#remove(user, waiting);
        return;
      }
    }
    const asked =
      answer.answer === 'response' ? parseRetryAfter(answer.response.headers.get('retry-after')) : undefined;
    const pause = asked === undefined ? this.#retryMs : Math.min(asked * 1_000, longestWaitMs);
    setTimeout(() => {
      if (!waiting.isOver) this.#offer(user, waiting);
    }, pause).unref();
  }

  #remove(user: string, waiting: Waiting): void {
    waiting.isOver = true;
    const all = this.#waiting.get(user) ?? [];
    this.#waiting.set(
      user,
      all.filter((one) => one !== waiting),
    );
  }
}

function messageTo(uri: string, headers: Headers, body: Buffer): SipRequest {
  return requestOf('MESSAGE', uri, headers, body);
}
