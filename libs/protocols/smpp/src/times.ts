/*
 * Times as SMPP 3.4 writes them (§7.1.1): YYMMDDhhmmsstnnp with p `+` or `-` for an absolute time, nn quarters of an hour
 * ahead of or behind UTC; p `R` for one that counts from the SMSC's own clock.
 */

/** A span as the SMSC counts it: years and months are those of its calendar. */
export interface RelativeTime {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

const form = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([+\-R])$/;

/** An absolute time, in UTC and to the tenth of a second. The century is the SMSC's to guess. */
export function absoluteTime(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const date = two(at.getUTCFullYear() % 100) + two(at.getUTCMonth() + 1) + two(at.getUTCDate());
  const time = two(at.getUTCHours()) + two(at.getUTCMinutes()) + two(at.getUTCSeconds());
  return `${date}${time}${String(Math.floor(at.getUTCMilliseconds() / 100))}00+`;
}

/** The longest that `relativeTime` writes: the day count has two digits. */
const mostDays = 99;

/**
 * A time from the SMSC's now on, rounded up to whole seconds. Only days and what is shorter are used, since the length of
 * a month is the SMSC's to say; what is longer than 99 days is 99 days.
 */
export function relativeTime(ms: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const seconds = Math.min(Math.max(0, Math.ceil(ms / 1_000)), mostDays * 86_400);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  return `0000${two(days)}${two(hours)}${two(Math.floor(seconds / 60) % 60)}${two(seconds % 60)}000R`;
}

/**
 * What a time of the wire means: a moment, a span, or nothing where it is no time.
 *
 * @param near picks the century of an absolute time: the one in which it is closest.
 */
export function parseTime(value: string, near: Date): Date | RelativeTime | undefined {
  const found = form.exec(value);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0, tenth = 0, quarters = 0] = found
    .slice(1, 9)
    .map(Number);
  const sign = found[9];
  if (sign === 'R') return { years: year, months: month, days: day, hours, minutes, seconds };
  if (quarters > 48) return undefined;
  const local = moment(nearestYear(year, near), month, day, hours, minutes, seconds);
  if (local === undefined) return undefined;
  return new Date(local + tenth * 100 + (sign === '+' ? -1 : 1) * quarters * 900_000);
}

/** Milliseconds since 1970 of a time in UTC, if there is such a day and hour. */
export function moment(
  year: number,
  month: number,
  day: number,
  hours: number,
  minutes: number,
  seconds: number,
): number | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const at = new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds));
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === day ? at.getTime() : undefined;
}

/** The year of these last two digits that is closest. */
export function nearestYear(two: number, near: Date): number {
  const now = near.getUTCFullYear();
  const year = now - (now % 100) + two;
  return year - now > 50 ? year - 100 : now - year > 50 ? year + 100 : year;
}
