import { createSocket, type Socket } from 'node:dgram';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { requestOf, type SipRequest } from './message.js';
import { SipStack, type StackOptions } from './stack.js';
import type { Hop } from './transport/places.js';
import type { Transport } from './transport/flow.js';
import type { Incoming } from './incoming.js';

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; call: () => void }[] = [];

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that run. */
  get count(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = until;
  }
}

/** Waits for a fact. */
export async function until(fact: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`never: ${fact.toString()}`);
    await turn();
  }
}

const stacks: SipStack[] = [];
const sockets: Socket[] = [];

/** A UDP port of this machine that is no stack's; closed by `closeAll`. */
export async function boundPort(): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return socket;
}

/** A stack that keeps what it is asked, unless it is told what to do with it; closed by `closeAll`. */
export function aStack(options: Partial<StackOptions> = {}): { stack: SipStack; asked: Incoming[] } {
  const asked: Incoming[] = [];
  const stack = new SipStack({
    userAgent: 'Parley',
    onRequest: (incoming) => {
      asked.push(incoming);
    },
    ...options,
  });
  stacks.push(stack);
  return { stack, asked };
}

export async function closeAll(): Promise<void> {
  await Promise.all(stacks.splice(0).map((stack) => stack.close()));
  for (const socket of sockets.splice(0)) socket.close();
}

/** A port of a stack on loopback, as the other side sees it. */
export async function hopTo(stack: SipStack, transport: Transport = 'udp', host = '127.0.0.1'): Promise<Hop> {
  const { port } = await stack.listen({ transport, host, port: 0 });
  return { transport, address: host, port };
}

let count = 0;

/** A request of alice to bob. */
export function aRequest(method = 'MESSAGE', body = 'Hello'): SipRequest {
  count++;
  return requestOf(
    method,
    'sip:bob@example.org',
    {
      from: '<sip:alice@example.org>;tag=a1',
      to: '<sip:bob@example.org>',
      'call-id': `call-${String(count)}`,
      cseq: `1 ${method}`,
    },
    body,
  );
}

/**
 * The longest that one turn of the event loop works while `work` is done, in milliseconds; the least of a few tries, for
 * what is truly slow is slow every time, and what others on the machine make slow is not. Processor time counts where it is
 * less: the work of other processes is not in it.
 */
export async function longestTurnOf(work: () => Promise<void>, enough: number): Promise<number> {
  let least = Infinity;
  for (let tries = 0; tries < 5 && least >= enough; tries++) {
    let longest = 0;
    let isOver = false;
    const begin = (): void => {
      const [cpu, at] = [process.cpuUsage(), performance.now()];
      setImmediate(() => {
        const { user, system } = process.cpuUsage(cpu);
        longest = Math.max(longest, Math.min((user + system) / 1_000, performance.now() - at));
        if (!isOver) begin();
      });
    };
    begin();
    await work();
    isOver = true;
    await turn();
    least = Math.min(least, longest);
  }
  return least;
}
