import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#connector/testing';
import { usualTimings } from '../timings.js';
import { ClientPort } from './client-port.js';
import type { Fate } from './port.js';
import { StreamManagement } from './stream-management.js';
import type { Ending, Stream, StreamHandler } from './stream.js';
import { readStanza, serialise, xml, type Element } from './xml.js';

/** A stream whose other side is the test. */
class TestStream implements Stream {
  readonly secure = true;
  readonly backlog = 0;
  readonly said: string[] = [];
  #handler: StreamHandler | undefined;

  handle(handler: StreamHandler): void {
    this.#handler = handler;
  }
  send(element: Element): void {
    this.said.push(serialise(element, 'jabber:client'));
  }
  pause(): void {
    this.said.push('paused');
  }
  resume(): void {
    // Nothing waits here.
  }
  async close(): Promise<void> {
    this.end({ closed: true });
    await Promise.resolve();
  }
  async drop(): Promise<void> {
    this.end({ closed: false });
    await Promise.resolve();
  }
  destroy(failure?: Ending['failure']): void {
    this.end({ closed: false, ...(failure !== undefined && { failure }) });
  }
  end(ending: Ending): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.ended(ending);
  }
  hear(text: string): void {
    this.#handler?.element(readStanza(text));
  }
  lull(): void {
    this.#handler?.lull?.();
  }
}

const self = { full: 'alice@example.org/desk', bare: 'alice@example.org', domain: 'example.org' };

function setUp(management = true) {
  const clock = new ManualClock();
  const heard: string[] = [];
  const endings: Ending[] = [];
  /** What waits to be stored. */
  const storing: (() => void)[] = [];
  const port = new ClientPort({
    self,
    clock,
    timings: usualTimings,
    mark: 'q',
    stored: (call) => storing.push(call),
    handler: {
      stanza: (stanza) => heard.push(serialise(stanza)),
      lull: () => undefined,
      broken: (ending) => endings.push(ending),
    },
  });
  const stream = new TestStream();
  port.begin(stream, management ? new StreamManagement('id') : undefined);
  return { clock, port, stream, heard, endings, storing };
}

const ping = xml('ping', { xmlns: 'urn:xmpp:ping' });
const turn = () => new Promise((next) => setImmediate(next));

describe('the port of a client', () => {
  it('acknowledges what is stored, not what was received', () => {
    const { stream, storing } = setUp();
    stream.hear('<message><body>one</body></message>');
    stream.hear('<message><body>two</body></message>');
    stream.hear('<r xmlns="urn:xmpp:sm:3"/>');
    expect(stream.said.at(-1)).toContain('h="0"');
    storing[0]?.();
    expect(stream.said.at(-1)).toContain('h="1"');
    storing[1]?.();
    expect(stream.said.at(-1)).toContain('h="2"');
  });

  it('tells the sender when the server has it, and asks once for all that leaves in one turn', async () => {
    const { port, stream } = setUp();
    const fates: Fate[] = [];
    port.send(xml('message', { id: 'one' }), (fate) => fates.push(fate));
    port.send(xml('message', { id: 'two' }), (fate) => fates.push(fate));
    await turn();
    expect(stream.said.filter((text) => text.startsWith('<r '))).toHaveLength(1);
    stream.hear('<a xmlns="urn:xmpp:sm:3" h="2"/>');
    expect(fates).toEqual(['acknowledged', 'acknowledged']);
  });

  it('asks for the acknowledgement of a question too when its answer is heard, and only once', async () => {
    const { port, stream } = setUp();
    const asked = port.iq({ type: 'get', to: 'example.org', payload: ping });
    stream.hear('<iq type="result" id="q-1" from="example.org"/>');
    stream.lull();
    await turn();
    expect((await asked).ok).toBe(true);
    expect(stream.said.filter((text) => text.startsWith('<r '))).toHaveLength(1);
    stream.hear('<a xmlns="urn:xmpp:sm:3" h="1"/>');
    stream.lull();
    await turn();
    expect(stream.said.filter((text) => text.startsWith('<r '))).toHaveLength(1);
  });

  it('sends again on the resumed stream what the server has not got, and only that', () => {
    const { port, stream } = setUp();
    for (const id of ['one', 'two', 'three']) port.send(xml('message', { id }));
    stream.end({ closed: false });
    const next = new TestStream();
    expect(port.resume(next, '2')).toBe(true);
    expect(next.said).toEqual(['<message id="three"/>']);
  });

  it('says of what waits too long for a resumption that nobody knows, and does not send it again', () => {
    const { port, stream, clock } = setUp();
    const fates: Fate[] = [];
    port.send(xml('message', { id: 'one' }), (fate) => fates.push(fate));
    stream.end({ closed: false });
    clock.advance(usualTimings.resume);
    expect(fates).toEqual(['lost']);
    const next = new TestStream();
    expect(port.resume(next, '0')).toBe(true);
    expect(next.said).toEqual([]);
  });

  it.each([
    ['the server has closed it', { closed: true }],
    ['it could not be read', { closed: false, fault: { condition: 'not-well-formed', detail: '' } }],
  ] as const)('cannot be resumed where %s', (_why, ending) => {
    const { port, stream } = setUp();
    stream.end(ending);
    expect(port.resumable).toBeUndefined();
  });

  it('ends a stream whose server claims more than was sent', () => {
    const { stream, endings } = setUp();
    stream.hear('<a xmlns="urn:xmpp:sm:3" h="7"/>');
    expect(endings).toMatchObject([{ failure: { code: 'protocol-violation' } }]);
  });

  it('sends nothing that the server would end the stream over', async () => {
    const { port, stream } = setUp();
    const fates: Fate[] = [];
    port.send(xml('message', {}, xml('body', {}, 'é'.repeat(port.maxBytes / 2))), (fate) => fates.push(fate));
    port.send(xml('message', {}, xml('body', {}, '"'.repeat(port.maxBytes / 10))), (fate) =>
      fates.push(fate),
    );
    expect(fates).toEqual(['too-large']);
    expect(stream.said).toHaveLength(1);
    const asked = port.iq({ type: 'set', payload: xml('query', { xmlns: 'x' }, 'y'.repeat(port.maxBytes)) });
    expect(await asked).toMatchObject({ ok: false, failure: { code: 'too-large' } });
  });

  it('asks a silent server whether it is there, and gives it up when it does not answer', () => {
    const { stream, endings, clock } = setUp();
    clock.advance(usualTimings.idle);
    expect(stream.said.at(-1)).toContain('<r ');
    stream.hear('<a xmlns="urn:xmpp:sm:3" h="0"/>');
    clock.advance(usualTimings.idle);
    clock.advance(usualTimings.answer);
    expect(endings).toMatchObject([{ failure: { code: 'timeout' } }]);
  });

  it('takes the answer to a later ping for an acknowledgement where there is no stream management', async () => {
    const { port, stream } = setUp(false);
    const fates: Fate[] = [];
    port.send(xml('message', { id: 'one' }), (fate) => fates.push(fate));
    await turn();
    const [, id] =
      / id="([^"]+)"/.exec(stream.said.find((text) => text.includes('urn:xmpp:ping')) ?? '') ?? [];
    stream.hear(
      `<iq type="error" from="example.org" id="${String(id)}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
    );
    await turn();
    expect(fates).toEqual(['acknowledged']);
  });
});

describe('questions (RFC 6120 §8.1.2.1)', () => {
  it.each([
    ['somebody', 'bob@example.org/phone', 'bob@example.org/phone', true],
    ['somebody, answered by another', 'bob@example.org/phone', 'mallory@example.org', false],
    ['somebody, answered by nobody', 'bob@example.org/phone', undefined, false],
    ['our account, answered without a name', undefined, undefined, true],
    ['our account, answered by it', undefined, 'alice@example.org', true],
    ['our account, answered by another', undefined, 'mallory@example.org', false],
    ['our server', 'example.org', 'example.org', true],
    ['our server, answered by another', 'example.org', 'evil.example', false],
    ['somebody, answered in another spelling', 'bob@example.org', 'BOB@EXAMPLE.ORG', true],
  ])('%s', async (_what, to, from, taken) => {
    const { port, stream, clock } = setUp();
    const asked = port.iq({ type: 'get', payload: ping, ...(to !== undefined && { to }) });
    const by = from === undefined ? '' : ` from="${from}"`;
    stream.hear(`<iq type="result" id="q-1"${by}/>`);
    clock.advance(usualTimings.iq);
    expect((await asked).ok).toBe(taken);
  });

  it('are answered when the binding is over', async () => {
    const { port } = setUp();
    const asked = port.iq({ type: 'get', payload: ping });
    port.end({ code: 'network-unreachable', remedy: 'retry' });
    expect(await asked).toMatchObject({ ok: false, failure: { code: 'network-unreachable' } });
    expect(await port.iq({ type: 'get', payload: ping })).toMatchObject({ ok: false });
  });

  it('say what went wrong in our own codes', async () => {
    const { port, stream } = setUp();
    const asked = port.iq({ type: 'get', to: 'bob@example.org', payload: ping });
    stream.hear(
      '<iq type="error" id="q-1" from="bob@example.org"><error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Not for you.</text></error></iq>',
    );
    expect(await asked).toMatchObject({
      ok: false,
      condition: 'forbidden',
      failure: { code: 'not-allowed', detail: 'Not for you.' },
    });
  });
});
