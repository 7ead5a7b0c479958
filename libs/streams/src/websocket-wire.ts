import type { WebSocket } from 'ws';
import type { ResetReason } from '#api';
import type { Wire } from './wire.js';

/** A stream over a WebSocket (RFC 6455): one JSON text per frame. */
export class WebSocketWire implements Wire {
  readonly kind = 'websocket';
  #alive = true;
  #gone = false;
  /** Frames that the kernel has not taken. */
  #outgoing = 0;
  #waiting: (() => void)[] = [];
  readonly #onGone: (() => void)[] = [];

  constructor(private readonly socket: WebSocket) {
    const lives = (): void => {
      this.#alive = true;
    };
    socket.on('pong', lives).on('message', lives);
    socket.once('close', () => {
      this.#gone = true;
      this.#wake();
      for (const gone of this.#onGone.splice(0)) gone();
    });
    // What breaks a connection ends in its close; without a listener it would end in the process's.
    socket.on('error', () => undefined);
  }

  get lying(): number {
    return this.socket.bufferedAmount;
  }

  async drained(): Promise<void> {
    if (this.#gone || this.#outgoing === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  event(_cursor: string, frame: Buffer): void {
    this.#send(frame);
  }

  heartbeat(cursor: string): void {
    this.say({ heartbeat: { cursor } });
  }

  reset(reason: ResetReason): void {
    this.say({ reset: { reason } });
  }

  ephemeral(ephemeral: string): void {
    this.#send(Buffer.from(`{"ephemeral":${ephemeral}}`));
  }

  /** Says what is for this peer alone. */
  say(frame: object): void {
    this.#send(Buffer.from(JSON.stringify(frame)));
  }

  checkAlive(): boolean {
    if (!this.#alive) return false;
    this.#alive = false;
    this.socket.ping();
    return true;
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  cut(): void {
    this.socket.terminate();
  }

  onGone(gone: () => void): void {
    if (this.#gone) gone();
    else this.#onGone.push(gone);
  }

  #send(frame: Buffer): void {
    this.#outgoing++;
    this.socket.send(frame, { binary: false }, () => {
      this.#outgoing--;
      if (this.#outgoing === 0) this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
