import type { ServerResponse } from 'node:http';
import type { ResetReason } from '#api';
import type { Wire } from './wire.js';

/**
 * A stream of server-sent events (WHATWG HTML, §9.2). An event of the log is a message without a name whose id is its
 * cursor, so a browser that reconnects says where it was. A heartbeat is a comment with an id: it moves the cursor and
 * shows nothing. `reset`, `ephemeral` and `close` are named.
 */
export class SseWire implements Wire {
  readonly kind = 'sse';
  #gone = false;
  readonly #onGone: (() => void)[] = [];

  /** @param response to which nothing has been written yet. */
  constructor(
    private readonly response: ServerResponse,
    headers: Readonly<Record<string, string | number | string[] | undefined>>,
  ) {
    response.once('close', () => {
      this.#gone = true;
      for (const gone of this.#onGone.splice(0)) gone();
    });
    response.on('error', () => undefined);
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // Nothing else comes on this connection, and a server that closes must not wait for it to idle.
      connection: 'close',
      // nginx would keep events to itself.
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
  }

  get lying(): number {
    return this.response.writableLength;
  }

  async drained(): Promise<void> {
    if (this.#gone || !this.response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      this.response.on('drain', done).on('close', done);
    });
  }

  event(cursor: string, frame: Buffer): void {
    if (this.#gone) return;
    this.response.cork();
    this.response.write(`id: ${cursor}\ndata: `);
    this.response.write(frame);
    this.response.write('\n\n');
    this.response.uncork();
  }

  heartbeat(cursor: string): void {
    this.#write(`: heartbeat\nid: ${cursor}\n\n`);
  }

  reset(reason: ResetReason): void {
    this.#write(`event: reset\ndata: ${JSON.stringify({ reason })}\n\n`);
  }

  ephemeral(ephemeral: string): void {
    this.#write(`event: ephemeral\ndata: ${ephemeral}\n\n`);
  }

  /** Whoever is gone does not answer TCP either: there is nothing to ask. */
  checkAlive(): boolean {
    return true;
  }

  close(code: number, reason: string): void {
    if (this.#gone) return;
    this.response.end(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
  }

  cut(): void {
    this.response.destroy();
  }

  onGone(gone: () => void): void {
    if (this.#gone) gone();
    else this.#onGone.push(gone);
  }

  #write(text: string): void {
    if (!this.#gone) this.response.write(text);
  }
}
