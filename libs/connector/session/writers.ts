import type { SessionClock } from '#connector';

/** Writers that are remembered at a time. */
const most = 500;

export interface WritersOptions {
  readonly clock: SessionClock;
  /** How long it holds that somebody writes unless it is told again, in milliseconds. */
  readonly holdsMs: number;
  /** Somebody begins to write, or has stopped. */
  readonly tell: (conversation: string, address: string, active: boolean) => void;
}

/** Who is writing, as others tell it: it holds for a while and is then over, unless it is told again. */
export class Writers {
  readonly #options: WritersOptions;
  /** By place and writer: ends it when its time is over. */
  readonly #known = new Map<string, { readonly cancel: () => void; readonly stop: () => void }>();

  constructor(options: WritersOptions) {
    this.#options = options;
  }

  /** Somebody writes in a conversation. */
  writes(conversation: string, address: string): void {
    const key = `${conversation} ${address}`;
    const known = this.#known.get(key);
    if (known === undefined && this.#known.size >= most) return;
    known?.cancel();
    const { clock, holdsMs, tell } = this.#options;
    const stop = (): void => {
      this.#known.delete(key);
      tell(conversation, address, false);
    };
    this.#known.set(key, { cancel: clock.after(holdsMs, stop), stop });
    if (known === undefined) tell(conversation, address, true);
  }

  /** They do not any more: they said so, or have spoken. */
  stopped(conversation: string, address: string): void {
    const known = this.#known.get(`${conversation} ${address}`);
    known?.cancel();
    known?.stop();
  }

  /** The connection is over: nobody writes any more that we knew of. */
  close(): void {
    for (const { cancel, stop } of [...this.#known.values()]) {
      cancel();
      stop();
    }
  }
}
