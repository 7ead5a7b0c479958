import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How often the event loop's monitor wakes, in ms. It counts its own period in, which is taken off again. */
const resolution = 10;

/** Seconds by which the event loop was late. */
export interface EventLoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The numbers that `/metrics` shows. One registry per server, so that two of them in one process do not mix. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  readonly #registry = new Registry();
  readonly #delay = monitorEventLoopDelay({ resolution });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.#delay.enable();
    this.gauge(
      'event_loop_delay_seconds',
      'By how much timers were late since the last look.',
      ['quantile'],
      (gauge) => {
        const { p50, p99, max } = this.eventLoopDelay();
        gauge.set({ quantile: '0.5' }, p50);
        gauge.set({ quantile: '0.99' }, p99);
        gauge.set({ quantile: '1' }, max);
      },
    );
  }

  /** Counts what only grows; the name ends in `_total`. */
  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: labels, registers: [this.#registry] });
  }

  /** What goes up and down; `collect` sets it when somebody looks. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    return new Gauge<L>({
      name,
      help,
      labelNames: labels,
      registers: [this.#registry],
      ...(collect && {
        async collect(this: Gauge<L>) {
          await collect(this);
        },
      }),
    });
  }

  /** How often what size was seen; durations in seconds. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly L[] = [],
  ): Histogram<L> {
    return new Histogram({
      name,
      help,
      buckets: [...buckets],
      labelNames: labels,
      registers: [this.#registry],
    });
  }

  /** How late the event loop was since the last time anybody asked, here or through `/metrics`. */
  eventLoopDelay(): EventLoopDelay {
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolution / 1e3);
    const { max } = this.#delay;
    const seen = {
      p50: seconds(this.#delay.percentile(50)),
      p99: seconds(this.#delay.percentile(99)),
      max: seconds(max),
    };
    this.#delay.reset();
    return seen;
  }

  /** In the Prometheus text format. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  onApplicationShutdown(): void {
    this.#delay.disable();
    this.#registry.clear();
  }
}
