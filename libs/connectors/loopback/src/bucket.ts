import type { FloodProfile } from '#connector';

/** A token bucket: a burst, then a steady rate. Time is given, never asked for. */
export class Bucket {
  private tokens: number;
  private at: number;

  constructor(
    private profile: FloodProfile,
    now: number,
  ) {
    this.tokens = profile.burst;
    this.at = now;
  }

  /** How many may pass now, and in how many milliseconds one more may (0 when one may now). */
  allowance(now: number): { readonly envelopes: number; readonly againInMs: number } {
    this.refill(now);
    const envelopes = Math.floor(this.tokens);
    const againInMs = envelopes > 0 ? 0 : Math.ceil(((1 - this.tokens) / this.profile.perSecond) * 1_000);
    return { envelopes, againInMs };
  }

  /** Takes one token; false when there is none. */
  take(now: number): boolean {
    this.refill(now);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** Follows a network that changed its mind; what was saved up stays, up to the new burst. */
  follow(profile: FloodProfile, now: number): void {
    this.refill(now);
    this.profile = profile;
    this.tokens = Math.min(this.tokens, profile.burst);
  }

  private refill(now: number): void {
    const gained = (Math.max(0, now - this.at) / 1_000) * this.profile.perSecond;
    this.tokens = Math.min(this.profile.burst, this.tokens + gained);
    this.at = now;
  }
}
