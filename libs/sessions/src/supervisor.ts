/*
 * Keeps one live session per leased link. A round compares what should run with what does: links that are wanted and
 * free are taken up to this worker's fair share, those that are not wanted any more are let go, and those that changed
 * follow. A signal asks for a round about one link at once; every few seconds a round about all makes up for lost signals.
 */
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Connectors, IngressAddresses, LinkBook, TargetGuard, type LoadedLink } from '#accounts';
import { Ephemerals, Requests } from '#bus';
import { Dispatcher, UnknownFates } from '#delivery';
import { Files } from '#files';
import type { LinkId } from '#model';
import { Clock, Config, Database, logger, Metrics } from '#platform';
import { CallIntake } from './call-intake.js';
import { HostPacer } from './host-pacer.js';
import { Ingest } from './ingest.js';
import { IngressHandOver } from './ingress-hand-over.js';
import type { Held } from './lease.store.js';
import { Leases, RENEW_MS } from './leases.js';
import { serveLink } from './link-requests.js';
import { LinkRuntime, type Surroundings } from './link-runtime.js';
import { PresenceWriter } from './presence-writer.js';
import { SessionStore } from './session.store.js';
import { StateWriter } from './state-writer.js';

/** Lost signals cost at most this. */
const ROUND_MS = 5_000;
/** Renewals that fail for so long mean that the tables are away: sessions end rather than hold what they cannot store. */
const STORAGE_PATIENCE_MS = 60_000;

const log = logger('sessions');

interface Running {
  readonly runtime: LinkRuntime;
  readonly unserve: () => void;
}

@Injectable()
export class Supervisor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly running = new Map<LinkId, Running>();
  private readonly around: Surroundings;
  private readonly cancels = new Set<() => void>();
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  private lastRenewed = 0;

  constructor(
    private readonly config: Config,
    private readonly connectors: Connectors,
    private readonly book: LinkBook,
    private readonly leases: Leases,
    private readonly requests: Requests,
    private readonly ingest: Ingest,
    private readonly dispatcher: Dispatcher,
    private readonly clock: Clock,
    database: Database,
    states: StateWriter,
    presences: PresenceWriter,
    ephemerals: Ephemerals,
    store: SessionStore,
    guard: TargetGuard,
    files: Files,
    unknowns: UnknownFates,
    handOver: IngressHandOver,
    ingresses: IngressAddresses,
    calls: CallIntake,
    metrics: Metrics,
  ) {
    this.around = {
      database,
      ingest,
      states,
      presences,
      ephemerals,
      store,
      guard,
      files,
      dispatcher,
      unknowns,
      handOver,
      ingresses,
      calls,
      clock,
      log,
      pacer: new HostPacer(clock),
      openSecrets: (link) => book.openSecrets(link),
      fenced: (link) => {
        this.enqueue(() => this.drop(link));
      },
      wished: (link) => {
        this.enqueue(() => this.compareOne(link));
      },
    };
    metrics.gauge('parley_links_running', 'Links that this worker holds', [], (gauge) => {
      gauge.set(this.running.size);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.roles.has('worker')) return;
    await this.leases.begin();
    this.lastRenewed = this.clock.monotonic();
    this.cancels.add(
      this.book.onChanged((link, connect) => {
        this.enqueue(() =>
          link === undefined ? this.compareAll() : this.compareOne(link, connect !== undefined),
        );
      }),
    );
    this.every(RENEW_MS, () => this.renew());
    this.every(ROUND_MS, () => this.later(() => this.compareAll()));
    this.enqueue(() => this.compareAll());
  }

  /** Hands the links over in an orderly way: settled, written, released. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.stopped || !this.config.roles.has('worker')) return;
    this.stopped = true;
    for (const cancel of this.cancels) cancel();
    await this.round;
    await Promise.all([...this.running.values()].map((running) => this.end(running, 'shutdown')));
    await this.ingest.idle();
    await this.dispatcher.stop();
    await this.leases.end().catch((error: unknown) => {
      log.warn({ err: error }, 'could not sign off: leases end by themselves');
    });
  }

  private async compareAll(): Promise<void> {
    const wanted = new Set((await this.book.wantedLinks()).map(({ link }) => link));
    const loaded = await this.book.load([...this.running.keys()].filter((link) => wanted.has(link)));
    for (const running of [...this.running.values()])
      await this.follow(running, loaded.get(running.runtime.link), false);
    const taken = await this.leases.take(
      [...wanted].filter((link) => !this.running.has(link)),
      this.running.size,
      wanted.size,
    );
    await this.start(taken);
  }

  /** @param anew a person asked to try now: a session that waits, or waits for them, begins again */
  private async compareOne(link: LinkId, anew = false): Promise<void> {
    const running = this.running.get(link);
    if (!running) {
      // Somebody may have just wanted it: whether it is free and ours to take is said by the tables.
      const wanted = await this.book.wantedLinks();
      if (!wanted.some((one) => one.link === link)) return;
      await this.start(await this.leases.take([link], this.running.size, wanted.length));
      return;
    }
    await this.follow(running, (await this.book.load([link])).get(link), anew);
  }

  /** Brings what runs in line with the tables. */
  private async follow(running: Running, loaded: LoadedLink | undefined, anew: boolean): Promise<void> {
    if (!loaded?.accounts.some(({ wanted }) => wanted)) {
      await this.letGo(running);
      return;
    }
    if ((await running.runtime.follow(loaded)) && (!anew || running.runtime.online)) return;
    // Other settings, or a new try: the same lease, a new session.
    await this.end(running, 'asked');
    await this.start([{ link: loaded.id, epoch: running.runtime.epoch }]);
  }

  private async start(taken: readonly Held[]): Promise<void> {
    const loaded = await this.book.load(taken.map(({ link }) => link));
    await Promise.all(
      taken.map(async ({ link, epoch }) => {
        const found = loaded.get(link);
        if (found) await this.startOne(found, epoch);
      }),
    );
  }

  private async startOne(loaded: LoadedLink, epoch: bigint): Promise<void> {
    if (this.stopped) return;
    const runtime = new LinkRuntime(loaded, epoch, this.connectors.get(loaded.connector), this.around);
    const running = { runtime, unserve: serveLink(this.requests, runtime) };
    this.running.set(loaded.id, running);
    try {
      await runtime.start();
    } catch (error) {
      await this.end(running, 'fenced');
      throw error;
    }
  }

  private async letGo(running: Running): Promise<void> {
    await this.end(running, 'asked');
    await this.leases.release([running.runtime.link]);
  }

  /** Somebody else holds the link: nothing of it is written any more. */
  private async drop(link: LinkId): Promise<void> {
    const running = this.running.get(link);
    if (!running) return;
    log.warn({ link }, 'another worker holds this link: its session ends here');
    await this.end(running, 'fenced');
  }

  private async end(running: Running, reason: 'asked' | 'shutdown' | 'fenced'): Promise<void> {
    running.unserve();
    const carried = running.runtime.carried;
    await running.runtime.close(reason);
    this.ingest.forget(carried);
    this.running.delete(running.runtime.link);
  }

  private async renew(): Promise<void> {
    try {
      await this.leases.renew();
      this.lastRenewed = this.clock.monotonic();
    } catch (error) {
      const since = this.clock.monotonic() - this.lastRenewed;
      log.warn({ err: error, sinceMs: Math.round(since) }, 'could not renew the leases');
      if (since < STORAGE_PATIENCE_MS || this.running.size === 0) return;
      await this.later(async () => {
        await Promise.all([...this.running.values()].map((running) => this.end(running, 'fenced')));
      });
    }
  }

  /** One round at a time: what should run is compared with what runs, never with what is about to. */
  private later(work: () => Promise<void>): Promise<void> {
    this.round = this.round.then(async () => {
      if (this.stopped) return;
      try {
        await work();
      } catch (error) {
        log.warn({ err: error }, 'a round of supervision failed; the next one will do it');
      }
    });
    return this.round;
  }

  private enqueue(work: () => Promise<void>): void {
    void this.later(work);
  }

  private every(ms: number, work: () => Promise<void>): void {
    let cancel = (): void => undefined;
    const stop = (): void => {
      cancel();
    };
    const arm = (): void => {
      cancel = this.clock.after(ms, () => {
        void work().finally(() => {
          if (!this.stopped) arm();
        });
      });
    };
    this.cancels.add(stop);
    arm();
  }
}
