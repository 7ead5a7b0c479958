/*
 * Whether something of unknown fate has reached the network: the archive that would have it is looked through, from now
 * back to before it can have left. "Absent" is said only of an archive that is known to keep what we say, whole for that
 * time, and once what was still in a socket when the link broke must have been worked through.
 */
import { parseWireId, wireIdOf, type OutboundEnvelope, type SessionClock } from '#connector';
import type { EnvelopeId } from '#model';
import type { Archive } from './archive.js';
import type { Searched } from './deep-history.js';
import type { Element } from './core/xml.js';
import { originIdIn } from './xep/0359.js';

export type Fate = 'present' | 'absent' | 'unknown';

/** Our clock and the server's may differ by so much. */
const skewMs = 300_000;
const pageSize = 100;
const mostPages = 10;

export interface ResolvingParts {
  readonly archive: Pick<Archive, 'ask'>;
  readonly clock: SessionClock;
  readonly serverNow: () => number;
  /** Since when the account is online, monotonic. */
  readonly onlineSince: () => number;
  /** By when after coming online the server has worked through what the broken link still held. */
  readonly settleMs: number;
  /** Whether the archive is set to keep what we say to somebody; undefined where nobody knows. */
  readonly keeps: (searched: Searched) => Promise<boolean | undefined>;
  /** In how many stanzas it would have left. */
  readonly parts: number;
  /** Whether a message is from us. */
  readonly isOurs: (archive: string, message: Element) => boolean;
}

/** Never rejects. */
export async function resolveFate(
  parts: ResolvingParts,
  searched: Searched,
  { id, kind }: OutboundEnvelope,
  signal: AbortSignal,
): Promise<Fate> {
  const { clock, onlineSince, settleMs } = parts;
  const first = await look(parts, searched, id, signal);
  if (first !== 'absent') return first;
  // Not everything without words is kept, and nobody says what is.
  if (kind !== 'message' && kind !== 'edit') return 'unknown';
  const wait = onlineSince() + settleMs - clock.monotonic();
  if (wait <= 0) return first;
  await new Promise<void>((go) => {
    const cancel = clock.after(wait, done);
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      go();
    }
    signal.addEventListener('abort', done, { once: true });
  });
  return await look(parts, searched, id, signal);
}

async function look(
  { archive, serverNow, keeps, parts, isOurs }: ResolvingParts,
  searched: Searched,
  id: EnvelopeId,
  signal: AbortSignal,
): Promise<Fate> {
  const missing = new Set(Array.from({ length: parts }, (_, part) => wireIdOf(id, part)));
  const start = new Date(Math.min(madeAt(id), serverNow()) - skewMs);
  let keepsOurs = false;
  let before = '';
  for (let page = 0; page < mostPages; page++) {
    const answer = await archive.ask(
      searched.archive,
      {
        page: { max: pageSize, before },
        start,
        ...(searched.with !== undefined && { with: searched.with }),
      },
      { signal, urgent: true },
    );
    if (answer.answer !== 'page' || signal.aborted) return 'unknown';
    const { results } = answer;
    const ours = results.filter(({ message }) => isOurs(searched.archive, message));
    for (const { message } of ours) for (const wire of idsOf(message)) missing.delete(wire);
    if (missing.size === 0) return 'present';
    keepsOurs ||= ours.some(({ message }) => idsOf(message).some((text) => parseWireId(text) !== undefined));
    const next = answer.page.first ?? results[0]?.id;
    if (answer.page.complete || next === undefined || next === before) {
      // Some of it has arrived: neither again nor for sent.
      if (answer.page.unstable || missing.size < parts) return 'unknown';
      return keepsOurs || (await keeps(searched)) === true ? 'absent' : 'unknown';
    }
    before = next;
  }
  return 'unknown';
}

function idsOf(message: Element): readonly string[] {
  return [originIdIn(message), message.attrs['id']].filter((one) => one !== undefined);
}

/** When an envelope was made: its id tells (RFC 9562, version 7); it left no sooner. */
function madeAt(id: EnvelopeId): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}
