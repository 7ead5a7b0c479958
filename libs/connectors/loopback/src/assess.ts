import type { Assessment, AssessmentAsk } from '#connector';
import { cleanText, failure } from '#model';
import { readSettings } from './loopback.settings.js';
import { isTooLong, partsOf, withFiles } from './to-loopback.js';

/** Counts a message as `toLoopback` cuts it; who is closed is not written to, and nobody is woken before the quiet ends. */
export function assess({ to, kind, content, settings, at }: AssessmentAsk): Assessment {
  const { maxTextBytes, closed, quietUntil } = readSettings(settings);
  const text = cleanText(withFiles(content));
  const destinations = to.startsWith('+') ? [to.slice(1)] : [];
  if (isTooLong(text, maxTextBytes)) return { parts: 1, destinations, failure: failure('too-large') };
  const parts = partsOf(text, maxTextBytes);
  const used = Buffer.byteLength(parts.at(-1) ?? '');
  return {
    parts: parts.length,
    coding: 'UTF-8',
    units: Buffer.byteLength(text),
    unitsLeft: Math.max(0, maxTextBytes - used),
    destinations,
    ...(closed.includes(to) ? { failure: failure('not-allowed', `${to} is closed.`) } : {}),
    ...(kind === 'direct' && quietUntil && quietUntil > at
      ? { notBefore: { at: quietUntil, why: 'They are not to be disturbed now.' } }
      : {}),
  };
}
