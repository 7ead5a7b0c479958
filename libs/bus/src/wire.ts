/**
 * What carries short texts between the processes of one installation. It may lose them; it never makes them up, never
 * gives one twice, and keeps the order of one sender on one channel. Nobody hears what it said itself.
 */
export abstract class Wire {
  /** How many other processes took it, where the wire knows; 0 when it went nowhere. Never rejects. */
  abstract send(channel: string, text: string): Promise<number | undefined>;
  /** `mended` is called when texts may have been lost: the wire was cut and is whole again, or has just begun to listen. */
  abstract listen(channel: string, receive: (text: string) => void, mended: () => void): () => void;
  abstract close(): Promise<void>;
}

/** Texts longer than this are not carried. UTF-16 code units; a request's body of 64 KiB and its envelope fit. */
export const longestText = 80_000;

/** The only process there is. */
export class NoWire extends Wire {
  override send(): Promise<number> {
    return Promise.resolve(0);
  }

  override listen(): () => void {
    return () => undefined;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Who listens to what; shared by the wires that have one. */
export class Listeners {
  readonly #channels = new Map<string, Set<{ receive: (text: string) => void; mended: () => void }>>();

  /** Gives the way out; `first` and `last` are called when a channel gains its first listener and loses its last. */
  add(
    channel: string,
    receive: (text: string) => void,
    mended: () => void,
    change: { first?: () => void; last?: () => void } = {},
  ): () => void {
    const listener = { receive, mended };
    const known = this.#channels.get(channel);
    if (known) known.add(listener);
    else {
      this.#channels.set(channel, new Set([listener]));
      change.first?.();
    }
    return () => {
      const listeners = this.#channels.get(channel);
      if (!listeners?.delete(listener) || listeners.size > 0) return;
      this.#channels.delete(channel);
      change.last?.();
    };
  }

  get channels(): string[] {
    return [...this.#channels.keys()];
  }

  hand(channel: string, text: string): void {
    for (const { receive } of this.#channels.get(channel) ?? []) receive(text);
  }

  mended(channels: readonly string[] = this.channels): void {
    for (const channel of channels) for (const { mended } of this.#channels.get(channel) ?? []) mended();
  }
}
