import { unanswered, type Answer } from './ask.js';
import type { SipRequest, SipResponse } from './message.js';
import { parseVia } from './headers/via.js';
import { parseCSeq } from './headers/cseq.js';
import { ClientTransaction, type Setting } from './transactions/client.js';
import { clientKey, clientKeyOf } from './transactions/keys.js';
import type { Flow } from './transport/flow.js';

/** A transaction of ours that waits for responses. */
export interface Waiting {
  receive(response: SipResponse, flow: Flow): void;
  /** The stack is closed. */
  stop(): void;
}

/** All that we asked and is not over. */
export class Clients {
  readonly #settingOf: (flow: Flow) => Setting;
  readonly #most: number;
  readonly #waiting = new Map<string, Waiting>();
  #isClosed = false;

  /** @param most how many wait at once. */
  constructor(settingOf: (flow: Flow) => Setting, most: number) {
    this.#settingOf = settingOf;
    this.#most = most;
  }

  settingOf(flow: Flow): Setting {
    return this.#settingOf(flow);
  }

  /** Why no more can be asked; undefined if it can. */
  get refusal(): string | undefined {
    if (this.#isClosed) return 'the stack is closed';
    return this.#waiting.size < this.#most ? undefined : 'too many requests are under way';
  }

  add(branch: string, method: string, waiting: Waiting): void {
    this.#waiting.set(clientKey(branch, method), waiting);
  }

  remove(branch: string, method: string): void {
    this.#waiting.delete(clientKey(branch, method));
  }

  /** A response came; one that belongs to nothing is dropped (§18.1.2). */
  receive(response: SipResponse, flow: Flow): void {
    const key = clientKeyOf(response, parseVia);
    if (key !== undefined) this.#waiting.get(key)?.receive(response, flow);
  }

  close(): void {
    this.#isClosed = true;
    for (const waiting of [...this.#waiting.values()]) waiting.stop();
  }

  /** Asks anything but INVITE; never rejects. */
  carry(
    request: SipRequest,
    bytes: Buffer,
    flow: Flow,
    { timeoutMs, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const { refusal } = this;
    if (refusal !== undefined) return Promise.resolve(unanswered('not-sent', refusal));
    const branch = branchOf(request);
    const method = parseCSeq(request.headers.get('cseq') ?? '')?.method ?? request.method;
    return new Promise((resolve) => {
      let left = false;
      let unwatch = (): void => undefined;
      const settle = (answer: Answer): void => {
        transaction.stop();
        this.remove(branch, method);
        unwatch();
        signal?.removeEventListener('abort', abort);
        resolve(answer);
      };
      const none = (why: 'not-sent' | 'timeout' | 'broken' | 'aborted', detail: string): void => {
        settle({ answer: 'none', why, left, detail, flow, request });
      };
      const abort = (): void => {
        none('aborted', 'given up');
      };
      const setting = this.#settingOf(flow);
      const since = setting.clock.monotonic();
      const transaction = new ClientTransaction(
        setting,
        {
          send: () => {
            const isFirst = !left;
            const failed = (why: string): void => {
              if (!isFirst) return;
              left = false;
              none('not-sent', why);
            };
            left = flow.send(bytes, failed) || left;
            if (!left) none('not-sent', flow.isOpen ? 'too much waits for this peer' : 'the flow is over');
          },
          response: (response) => {
            if (response.status >= 200) settle({ answer: 'response', response, flow, request });
          },
          timeout: () => {
            none('timeout', 'nobody answered');
            // A timeout of the user's own says less.
            if (timeoutMs === undefined) flow.unanswered(since);
          },
        },
        timeoutMs,
      );
      this.add(branch, method, {
        receive: (response) => {
          transaction.receive(response);
        },
        stop: () => {
          none('aborted', 'the stack is closed');
        },
      });
      signal?.addEventListener('abort', abort);
      transaction.start();
      // A response may have been there before: a transaction that is over watches nothing.
      if (this.#waiting.has(clientKey(branch, method))) {
        unwatch = flow.ended((why) => {
          none('broken', why);
        });
      }
    });
  }
}

/** Of the topmost Via. */
export function branchOf(request: SipRequest): string {
  const branch = parseVia(request.headers.list('via')[0] ?? '')?.params.get('branch');
  return typeof branch === 'string' ? branch : '';
}
