import type { SessionContext } from '#connector';
import { failure, type Failure, type SessionState } from '#model';
import { backoffMs } from './backoff.js';
import { Doorbell } from './doorbell.js';
import type { ClientFrame, ServerFrame } from './loopback.frames.js';
import { doorbellHost, type LoopbackSettings } from './loopback.settings.js';
import { Wire } from './loopback.wire.js';

/** How long an orderly end may take. */
const closeMs = 4_500;

/**
 * idle → connecting → up → waiting → connecting …; idle also after a failure that only a person can mend.
 * closing and closed are final.
 */
type Phase = 'idle' | 'connecting' | 'up' | 'waiting' | 'closing' | 'closed';

/** What a link tells its session. */
export interface LinkEvents {
  /** Where every account of the link stands now. */
  state(state: SessionState): void;
  /** The login was accepted: names may be taken. */
  up(): void;
  /** What one chunk of bytes held, besides what the link itself understands. */
  frames(frames: readonly NameFrame[]): void;
  /** More may be sent again. */
  drained(): void;
  /** The connection is gone, and with it all that was unanswered. */
  down(why: Failure): void;
}

/** The frames that are about the connection, not about a name on it. */
type LinkFrame = Extract<ServerFrame, { readonly t: 'welcome' | 'denied' | 'bye' | 'ping' | 'pong' }>;
/** All others. */
export type NameFrame = Exclude<ServerFrame, LinkFrame>;

/** Keeps a connection: in its turn, with a login, again after every loss, until it is closed. */
export class Link {
  private phase: Phase = 'idle';
  private wire: Wire | undefined;
  private tries = 0;
  private upSince = 0;
  private retryAt = 0;
  private cancelRetry: (() => void) | undefined;
  private wireEnded: (() => void) | undefined;
  private doorbell: Doorbell | undefined;
  /** The last state told. */
  state: SessionState = { state: 'offline' };

  constructor(
    private readonly settings: LoopbackSettings,
    private readonly context: SessionContext,
    private readonly events: LinkEvents,
  ) {}

  get isUp(): boolean {
    return this.phase === 'up';
  }

  /** Closed, or about to be: nothing of the house may be touched but to settle what is under way. */
  get isOver(): boolean {
    return this.phase === 'closing' || this.phase === 'closed';
  }

  /** Whether the network has stopped reading. */
  get congested(): boolean {
    return this.wire?.congested === true;
  }

  /** When it is worth coming back, in milliseconds from now. */
  get retryInMs(): number {
    return Math.max(this.settings.backoffMs, this.retryAt - this.context.clock.monotonic());
  }

  connect(): void {
    if (this.phase !== 'idle') return;
    const { doorbellPort } = this.settings;
    if (doorbellPort === undefined) this.attempt();
    else this.hangDoorbell(doorbellPort);
  }

  write(frame: ClientFrame): void {
    if (this.phase === 'up' || this.phase === 'closing') this.wire?.write(frame);
  }

  /** Writes a frame that takes a while to make, on the connection that it was made for or not at all. */
  writeSoon(making: Promise<ClientFrame>): void {
    const { wire } = this;
    void making.then(
      (frame) => {
        wire?.write(frame);
      },
      () => {
        wire?.end(failure('storage-unavailable'));
      },
    );
  }

  pause(): void {
    if (this.phase === 'up') this.wire?.pause();
  }

  resume(): void {
    this.wire?.resume();
  }

  /** Gives the connection up; it comes back if that can help. */
  drop(why: Failure): void {
    this.wire?.end(why);
  }

  /**
   * Ends it for good. Orderly: when `quiet` says that all is settled, the network is told, and its farewell awaited, but
   * not for longer than an end may take.
   */
  async close(quiet?: () => Promise<void>): Promise<void> {
    const { wire } = this;
    const farewell = wire && this.phase === 'up' ? quiet : undefined;
    this.phase = 'closing';
    this.cancelRetry?.();
    if (wire && farewell) {
      wire.resume();
      await new Promise<void>((done) => {
        const cancel = this.context.clock.after(closeMs, done);
        this.wireEnded = () => {
          cancel();
          done();
        };
        void farewell().then(() => {
          wire.write({ t: 'bye' });
        });
      });
    }
    this.wire?.end(failure('server-shutdown'));
    await this.doorbell?.takeDown();
    this.phase = 'closed';
  }

  private hangDoorbell(port: number): void {
    this.phase = 'connecting';
    this.tell({ state: 'connecting' });
    this.doorbell = new Doorbell(doorbellHost, port, {
      hung: () => {
        if (this.phase === 'connecting') this.attempt();
      },
      refused: (why) => {
        this.ended(why);
      },
      rung: () => {
        if (this.phase !== 'waiting') return;
        this.cancelRetry?.();
        this.attempt();
      },
    });
  }

  private attempt(): void {
    this.phase = 'connecting';
    this.tell({ state: 'connecting' });
    const { host, port, connectMs, pingMs } = this.settings;
    void this.context.turn({ host, port }).then(
      (turn) => {
        if (turn.turn === 'closed' || this.phase !== 'connecting') return;
        if (turn.turn === 'refused') {
          this.ended(turn.failure);
          return;
        }
        const { addresses } = turn;
        const wire: Wire = new Wire({ host, port, addresses, connectMs, pingMs }, this.context.clock, {
          opened: () => {
            void this.hello(wire);
          },
          frames: (frames) => {
            this.frames(frames);
          },
          drained: () => {
            this.events.drained();
          },
          ended: (why) => {
            this.ended(why);
          },
        });
        this.wire = wire;
      },
      () => {
        if (this.phase === 'connecting') this.ended(failure('internal'));
      },
    );
  }

  private async hello(wire: Wire): Promise<void> {
    let secrets: Readonly<Record<string, string>>;
    try {
      secrets = await this.context.secrets();
    } catch {
      wire.end(failure('internal', 'The secrets could not be opened.'));
      return;
    }
    const { name, receipts } = this.settings;
    const { password } = secrets;
    wire.write({ t: 'hello', name, receipts, ...(password === undefined ? {} : { password }) });
  }

  private frames(frames: readonly ServerFrame[]): void {
    let others: NameFrame[] = [];
    // In order: what was said before a farewell still counts.
    const hand = (): void => {
      if (others.length > 0) this.events.frames(others);
      others = [];
    };
    for (const frame of frames) {
      if (frame.t === 'ping' || frame.t === 'pong') continue;
      if (frame.t !== 'welcome' && frame.t !== 'denied' && frame.t !== 'bye') {
        others.push(frame);
        continue;
      }
      hand();
      if (frame.t === 'welcome') this.welcome();
      else if (frame.t === 'denied') this.drop(failure(frame.code, frame.detail));
      else this.drop(failure(frame.code ?? 'server-shutdown'));
    }
    hand();
  }

  private welcome(): void {
    if (this.phase !== 'connecting') return;
    this.phase = 'up';
    this.upSince = this.context.clock.monotonic();
    this.events.up();
  }

  /** The wire is gone: say so, and come back if that can help. */
  private ended(why: Failure): void {
    const { code, remedy, detail } = why;
    const { context, settings } = this;
    const more = { code, ...(detail === undefined ? {} : { detail }) };
    const now = context.clock.monotonic();
    if (this.phase === 'up' && now - this.upSince > settings.backoffMs * 10) this.tries = 0;
    this.wire = undefined;
    this.events.down(why);
    this.wireEnded?.();
    if (this.isOver) return;
    if (remedy !== 'retry') {
      this.phase = 'idle';
      this.tell({ state: 'needs-person', remedy, ...more });
      return;
    }
    this.phase = 'waiting';
    const delay = backoffMs(this.tries++, settings, context.random());
    this.retryAt = now + delay;
    this.cancelRetry = context.clock.after(delay, () => {
      if (this.phase === 'waiting') this.attempt();
    });
    this.tell({ state: 'backing-off', until: new Date(context.clock.now() + delay).toISOString(), ...more });
    context.log.info({ code, delay, tries: this.tries }, 'loopback link lost');
  }

  private tell(state: SessionState): void {
    this.state = state;
    this.events.state(state);
  }
}
