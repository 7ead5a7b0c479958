/*
 * What every negotiation has around it: a connection, its deadlines, whoever may break it off, and an end in order where
 * it fails.
 */
import type { SessionClock } from '#connector';
import { Timers, type TlsSettings } from '#connector/session';
import { failure, type Failure } from '#model';
import { Steps } from './steps.js';
import type { ServerTarget } from './stream.js';
import { XmlStream } from './xml-stream.js';

/** Who has not signed in is given less room; features with their mechanisms take a few thousand bytes. */
export const strangerBytes = 65_536;

const outOfStep = failure('protocol-violation', 'The server does not say what it was its turn to say.');

export interface ReachOptions {
  readonly clock: SessionClock;
  readonly target: ServerTarget;
  /** What a turn said of the target: the only places we connect to. */
  readonly addresses: readonly string[];
  /** Whom the stream is for, and whom the certificate must be for: the domain of the account, or of the component. */
  readonly domain: string;
  readonly tls: Omit<TlsSettings, 'host'>;
  /** Milliseconds: to the open socket, from there to the last word of the negotiation, and for a farewell. */
  readonly timings: { readonly connect: number; readonly negotiate: number; readonly close: number };
  /** Breaks it off. */
  readonly signal?: AbortSignal;
}

export type Reached<R> =
  | { readonly ok: true; readonly stream: XmlStream; readonly result: R }
  | { readonly ok: false; readonly failure: Failure; readonly seeOther?: ServerTarget };

/** Ends a negotiation with a failure of its own. */
export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.code);
  }
}

/**
 * Connects and negotiates. Never rejects; nothing is left open where it fails, and nobody hears the stream yet where it
 * does not.
 */
export async function reach<R>(
  options: ReachOptions,
  negotiate: (stream: XmlStream, steps: Steps) => Promise<R>,
): Promise<Reached<R>> {
  const { clock, timings, signal, target, addresses, domain, tls } = options;
  const stream = new XmlStream({ target, addresses, domain, tls, clock, farewellMs: timings.close });
  const steps = new Steps(stream);
  const timers = new Timers(clock);
  const broken = (): void => {
    stream.destroy(failure('network-unreachable', 'The connection was given up.'));
  };
  const late = (): void => {
    stream.destroy(failure('timeout', 'The server does not answer.'));
  };
  signal?.addEventListener('abort', broken, { once: true });
  timers.set('late', timings.connect, late);
  try {
    if (signal?.aborted === true) broken();
    else stream.connect();
    await steps.opened();
    timers.set('late', timings.negotiate, late);
    const result = await negotiate(stream, steps);
    stream.release();
    return { ok: true, stream, result };
  } catch (error) {
    const { ending } = steps;
    if (ending === undefined) await steps.close();
    const own = error instanceof Refused ? error.failure : undefined;
    const why = own ?? ending?.failure ?? outOfStep;
    return { ok: false, failure: why, ...(ending?.seeOther !== undefined && { seeOther: ending.seeOther }) };
  } finally {
    timers.clear();
    signal?.removeEventListener('abort', broken);
  }
}
