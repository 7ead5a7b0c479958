const NUL = /\0/g;

/**
 * Text that every engine and every network can carry: no NUL (PostgreSQL refuses it), no lone surrogate (UTF-8 cannot
 * say it). Each is replaced by U+FFFD or dropped, never the whole text.
 */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replace(NUL, '') : whole;
}
