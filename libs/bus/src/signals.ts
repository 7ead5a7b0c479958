import { logger } from '#platform';
import { Injectable } from '@nestjs/common';
import type { JsonLike } from './json.js';
import { longestText, Wire } from './wire.js';

const log = logger('bus');

/** A payload of `undefined` means: look. Something was said without a payload, may have been missed, or was too long. */
export type SignalHandler = (payload: JsonLike | undefined) => void;

/**
 * Hints between processes and within one, lossy by law: what must not be missed is in a table, and a hint only says when
 * to look. Handlers of this process are called soon after `publish`, never during it.
 */
@Injectable()
export class Signals {
  readonly #handlers = new Map<
    string,
    { readonly handlers: Set<SignalHandler>; readonly hangUp: () => void }
  >();

  constructor(private readonly wire: Wire) {}

  publish(channel: string, payload?: JsonLike): void {
    let text = payload === undefined ? '' : JSON.stringify(payload);
    if (text.length > longestText) {
      log.warn({ channel, length: text.length }, 'a signal is too long to carry: sent as a hint');
      text = '';
    }
    if (this.#handlers.has(channel)) {
      queueMicrotask(() => {
        this.#hand(channel, text);
      });
    }
    void this.wire.send(channel, text);
  }

  subscribe(channel: string, handler: SignalHandler): () => void {
    let open = this.#handlers.get(channel);
    if (!open) {
      const handlers = new Set<SignalHandler>();
      const hangUp = this.wire.listen(
        channel,
        (text) => {
          this.#hand(channel, text);
        },
        () => {
          this.#hand(channel, '');
        },
      );
      open = { handlers, hangUp };
      this.#handlers.set(channel, open);
    }
    // A function of its own, so that subscribing the same handler twice counts twice.
    const own: SignalHandler = (payload) => {
      handler(payload);
    };
    const { handlers, hangUp } = open;
    handlers.add(own);
    return () => {
      if (!handlers.delete(own) || handlers.size > 0) return;
      hangUp();
      this.#handlers.delete(channel);
    };
  }

  #hand(channel: string, text: string): void {
    const open = this.#handlers.get(channel);
    if (!open) return;
    const payload = payloadOf(text);
    for (const handler of open.handlers) {
      try {
        handler(payload);
      } catch (err) {
        log.error({ err, channel }, 'a signal handler failed');
      }
    }
  }
}

function payloadOf(text: string): JsonLike | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as JsonLike;
  } catch {
    return undefined;
  }
}
