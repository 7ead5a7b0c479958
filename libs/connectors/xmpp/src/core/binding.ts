/*
 * Binding a resource (RFC 6120 §7), before the port takes the stream over: a name that is taken or not liked is given up
 * for one of the server's choice.
 */
import type { SessionClock } from '#connector';
import { failure, type Failure } from '#model';
import { stanzaFailure } from '../stanza-failures.js';
import type { Stream } from './stream.js';
import { xml, type Element } from './xml.js';

const namespace = 'urn:ietf:params:xml:ns:xmpp-bind';
const notBound = failure('network-unreachable', 'The connection was lost before a resource was bound.');

export type Bound =
  { readonly ok: true; readonly jid: string } | { readonly ok: false; readonly failure: Failure };

/**
 * Binds a resource and leaves the stream paused. Never rejects.
 * @param resource the one to ask for; the server's choice without.
 */
export async function bindResource(
  stream: Stream,
  {
    clock,
    timeoutMs,
    resource,
  }: { readonly clock: SessionClock; readonly timeoutMs: number; readonly resource?: string },
): Promise<Bound> {
  const bound = await bindOnce(stream, clock, timeoutMs, resource);
  if (!('answer' in bound)) return { ok: false, failure: bound.failure };
  const { answer } = bound;
  if (answer.attrs['type'] === 'result') {
    const jid = answer.getChild('bind', namespace)?.getChildText('jid', namespace);
    if (typeof jid === 'string') return { ok: true, jid };
    return {
      ok: false,
      failure: failure('protocol-violation', 'The server does not say which resource is bound.'),
    };
  }
  const refused = stanzaFailure(answer);
  const another = refused.condition === 'conflict' || refused.condition === 'bad-request';
  if (resource !== undefined && another) return bindResource(stream, { clock, timeoutMs });
  return { ok: false, failure: refused.failure };
}

async function bindOnce(
  stream: Stream,
  clock: SessionClock,
  timeoutMs: number,
  resource: string | undefined,
): Promise<{ readonly answer: Element } | { readonly failure: Failure }> {
  return new Promise((done) => {
    const cancel = clock.after(timeoutMs, () => {
      stream.destroy(failure('timeout', 'The server does not bind a resource.'));
    });
    stream.handle({
      element: (element) => {
        if (element.getName() !== 'iq' || element.attrs['id'] !== 'bind') return;
        cancel();
        stream.pause();
        done({ answer: element });
      },
      ended: ({ failure: why }) => {
        cancel();
        done({ failure: why ?? notBound });
      },
    });
    const wish = resource === undefined ? [] : [xml('resource', {}, resource)];
    stream.send(xml('iq', { type: 'set', id: 'bind' }, xml('bind', { xmlns: namespace }, ...wish)));
    stream.resume();
  });
}
