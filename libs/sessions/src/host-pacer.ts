import type { Clock } from '#platform';

/** Connects to one host begin at least this far apart, so that thousands of accounts do not hit one server at once. */
const APART_MS = 100;
/** Up to this many may begin at once after a quiet time. */
const BURST = 5;

interface Host {
  /** When the next free place is, in monotonic milliseconds. */
  next: number;
}

/** Paces connects per destination host, over all links of this worker, with jitter. */
export class HostPacer {
  private readonly hosts = new Map<string, Host>();

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds to wait before connecting to a host; takes the place. */
  take(host: string): number {
    const now = this.clock.monotonic();
    const entry = this.hosts.get(host) ?? { next: 0 };
    entry.next = Math.max(entry.next, now - BURST * APART_MS) + APART_MS;
    this.hosts.set(host, entry);
    this.forgetQuiet(now);
    const wait = entry.next - now;
    return wait <= 0 ? 0 : wait + this.random() * APART_MS;
  }

  private forgetQuiet(now: number): void {
    if (this.hosts.size < 1_000) return;
    for (const [host, { next }] of this.hosts) if (next < now - BURST * APART_MS) this.hosts.delete(host);
  }
}
