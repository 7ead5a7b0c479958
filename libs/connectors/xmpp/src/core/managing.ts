/*
 * Agreeing on stream management with a server (XEP-0198 §3 and §5): what is said before the port takes the stream over.
 * Whoever has an answer pauses the stream, so that nothing is heard between it and the port.
 */
import type { SessionClock } from '#connector';
import { managementNamespace, StreamManagement, type Resumable } from './stream-management.js';
import type { Ending, Stream } from './stream.js';
import { xml, type Element } from './xml.js';

/** What became of a resumption. `h` is the server's count of our stanzas, where it says it. */
export type Resumption =
  | { readonly outcome: 'resumed'; readonly h: string | undefined }
  | { readonly outcome: 'failed'; readonly h: string | undefined }
  | { readonly outcome: 'ended'; readonly ending: Ending };

/** Whether the server offers stream management; in its features after signing in. */
export function offersManagement(features: Element): boolean {
  return features.getChild('sm', managementNamespace) !== undefined;
}

/** Goes on with an earlier stream. Leaves the stream paused. */
export async function resumeStream(
  stream: Stream,
  { id, handled }: Resumable,
  clock: SessionClock,
  withinMs: number,
): Promise<Resumption> {
  stream.resume();
  stream.send(xml('resume', { xmlns: managementNamespace, previd: id, h: String(handled) }));
  const heard = await answer(stream, ['resumed', 'failed'], clock, withinMs);
  if ('closed' in heard) return { outcome: 'ended', ending: heard };
  // Another stream than the one that was asked for is none of ours.
  const resumed = heard.getName() === 'resumed' && heard.attrs['previd'] === id;
  return { outcome: resumed ? 'resumed' : 'failed', h: heard.attrs['h'] };
}

/**
 * Begins to count, and to be able to resume. Leaves the stream paused.
 * @returns the management, without it where the server does not agree, or how the stream ended.
 */
export async function enableManagement(
  stream: Stream,
  clock: SessionClock,
  withinMs: number,
): Promise<{ readonly management: StreamManagement | undefined } | { readonly ending: Ending }> {
  stream.resume();
  stream.send(xml('enable', { xmlns: managementNamespace, resume: 'true' }));
  const heard = await answer(stream, ['enabled', 'failed'], clock, withinMs);
  if ('closed' in heard) return { ending: heard };
  if (heard.getName() === 'failed') return { management: undefined };
  const { id, resume } = heard.attrs;
  const resumable = (resume === 'true' || resume === '1') && id !== undefined && id.length <= 4_000;
  return { management: new StreamManagement(resumable ? id : undefined) };
}

async function answer(
  stream: Stream,
  names: readonly string[],
  clock: SessionClock,
  withinMs: number,
): Promise<Element | Ending> {
  return new Promise((done) => {
    const cancel = clock.after(withinMs, () => {
      stream.destroy();
    });
    stream.handle({
      element: (element) => {
        if (element.getNS() !== managementNamespace || !names.includes(element.getName())) return;
        cancel();
        stream.pause();
        done(element);
      },
      ended: (ending) => {
        cancel();
        done(ending);
      },
    });
  });
}
