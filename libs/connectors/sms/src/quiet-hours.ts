/* Hours in which nobody wants to be woken, by the clocks that somebody may go by. Pure but for the engine's calendar. */

/** From a time of day until another, `HH:MM`, over midnight where the first is later. Equal times are no hours at all. */
export interface QuietHours {
  readonly from: string;
  readonly until: string;
}

/** Where it is quiet, what the clock shows there, and when it may be disturbed again. */
export interface Quiet {
  readonly zone: string;
  readonly clock: string;
  /** The first moment at which it is quiet in none of the zones. */
  readonly until: Date;
}

const minute = 60_000;
const day = 1_440;
/** By then it has not become disturbable in all zones at once, and never will. */
const patience = 3 * day * minute;

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What a clock shows: `HH:MM`. */
export function clockIn(zone: string, at: number): string {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      hour: '2-digit',
      minute: '2-digit',
    });
    clocks.set(zone, clock);
  }
  return clock.format(at);
}

function minutesOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
}

function isQuiet(clock: string, { from, until }: QuietHours): boolean {
  return from <= until ? from <= clock && clock < until : clock >= from || clock < until;
}

/**
 * Whether it is quiet in any of the zones, and from when on in none. Where the zones lie so far apart that it always is in one,
 * the first of them counts that is not.
 * @param zones IANA names; none: nobody knows, so it is not quiet
 */
export function quietIn(zones: readonly string[], hours: QuietHours, at: Date): Quiet | undefined {
  const now = at.getTime();
  const quiet = zones.filter((zone) => isQuiet(clockIn(zone, now), hours));
  const [first] = quiet;
  if (first === undefined) return undefined;
  const ends = quiet.map((zone) => ({ zone, end: endOf(zone, hours, now) }));
  // What is said is said of the zone that takes longest.
  const { zone } = ends.reduce((latest, one) => (one.end > latest.end ? one : latest));
  const until = freeInAll(zones, hours, now) ?? Math.min(...ends.map(({ end }) => end));
  return { zone, clock: clockIn(zone, now), until: new Date(until) };
}

function freeInAll(zones: readonly string[], hours: QuietHours, now: number): number | undefined {
  let at = now;
  while (at - now < patience) {
    const quiet = zones.filter((zone) => isQuiet(clockIn(zone, at), hours));
    if (quiet.length === 0) return at;
    at = Math.max(...quiet.map((zone) => endOf(zone, hours, at)));
  }
  return undefined;
}

/** The first moment at which it is no longer quiet in a zone where it is. Clocks that are put forward or back count as they show. */
function endOf(zone: string, hours: QuietHours, now: number): number {
  const start = Math.floor(now / minute) * minute;
  const until = minutesOf(hours.until);
  const end = start + apart(minutesOf(clockIn(zone, start)), until) * minute;
  // Where the clock is put forward or back on the way, it shows something else by then, and the end is as far off.
  const off = ((apart(until, minutesOf(clockIn(zone, end))) + day / 2) % day) - day / 2;
  const right = end - off * minute;
  if (clockIn(zone, right) === hours.until && isQuiet(clockIn(zone, right - minute), hours)) return right;
  // The hour of the end is left out that day: it is quiet until the clock jumps over it.
  let at = start;
  while (isQuiet(clockIn(zone, at), hours) && at - start < 2 * day * minute) at += minute;
  return at;
}

/** Minutes from one time of day to the next other. */
function apart(from: number, to: number): number {
  return (to - from + day) % day;
}
