import { describe, expect, test } from '@jest/globals';
import { wireIdOf, type InboundReceipt, type OutboundEnvelope, type SendOutcome } from '#connector';
import { Inlet, Timers } from '#connector/session';
import { ManualClock, TestContext } from '#connector/testing';
import { newId } from '#model';
import type { Fate, IqAnswer, Port } from './core/port.js';
import { readStanza, serialise, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { Moments } from './order.js';
import { Talk } from './talk.js';
import { usualTimings } from './timings.js';
import { readSettings } from './xmpp.settings.js';

const room = 'coven@chat.example.org';
const bob = 'bob@example.org';

/** Talk, with a port in the place of a server: what leaves waits there for its fate. */
class Stage {
  readonly clock = new ManualClock();
  readonly house = new TestContext({ clock: this.clock });
  readonly account = newId<'AccountId'>();
  readonly left: { readonly stanza: Element; readonly settled: ((fate: Fate) => void) | undefined }[] = [];
  readonly inlet: Inlet;
  readonly talk: Talk;
  answer: IqAnswer = { ok: true, payload: undefined, stanza: readStanza('<iq type="result"/>') };
  asked: Element[] = [];
  upload: Promise<unknown> | undefined;

  constructor() {
    this.inlet = new Inlet(this.house, this.account, { full: noop, eased: noop, fenced: noop });
    const port: Port = {
      self: { full: 'alice@example.org/p', bare: 'alice@example.org', domain: 'example.org' },
      maxBytes: 60_000,
      send: (stanza, settled) => {
        this.left.push({ stanza, settled });
      },
      iq: ({ payload }) => {
        this.asked.push(payload);
        return Promise.resolve(this.answer);
      },
    };
    const parts: Parts = {
      context: this.house,
      account: this.account,
      port,
      inlet: this.inlet,
      timers: new Timers(this.clock),
      settings: readSettings({ jid: 'alice@example.org' }),
      timings: usualTimings,
      wishes: { rooms: [], contacts: [], admissions: [], presence: { presence: 'available' } },
      moments: new Moments(),
      offers: { rosterVersions: false, preApproval: false },
    };
    this.talk = new Talk(parts, {
      rooms: { isRoom: (bare) => bare === room, nickIn: () => 'alice' },
      seesUs: (address) => address === bob,
      uploads: {
        isNeeded: ({ attachments = [] }) => attachments.length > 0,
        uploaded: async ({ content }) => {
          await this.upload;
          return { content };
        },
        limit: () => Promise.resolve(undefined),
      },
      archive: () => Promise.resolve(false),
      blocking: () => Promise.resolve(false),
      copies: () => Promise.resolve(true),
    });
  }

  /** Hears a stanza, and has the house store what came of it. */
  async hear(text: string): Promise<void> {
    this.talk.hear(readStanza(text));
    this.inlet.flush();
    await this.inlet.drained(1_000);
  }

  texts(): readonly string[] {
    return this.left.map(({ stanza }) => serialise(stanza));
  }

  receipts(): readonly InboundReceipt[] {
    return this.house.storage.stored.flatMap((event) => (event.type === 'receipt' ? [event] : []));
  }

  send(more: Partial<OutboundEnvelope> = {}, signal = new AbortController().signal) {
    const envelope: OutboundEnvelope = {
      id: newId<'EnvelopeId'>(),
      account: this.account,
      kind: 'message',
      to: bob,
      conversationKind: 'direct',
      content: { text: 'hello' },
      attempt: 1,
      ...more,
    };
    return { id: wireIdOf(envelope.id, 0), outcome: this.talk.send(envelope, signal) };
  }
}

function noop(): void {
  // Nothing of it matters here.
}

const inRoom = { to: room, conversationKind: 'room' } as const;
const bounce = (id: string, from: string): string =>
  `<message type='error' id='${id}' ${from}><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`;
const outcomeOf = async (sent: Promise<SendOutcome>): Promise<string> => (await sent).outcome;

describe('what is sent', () => {
  test('to somebody is sent when the server has all of it', async () => {
    const stage = new Stage();
    const { id, outcome } = stage.send();
    stage.left[0]?.settled?.('acknowledged');
    expect(await outcome).toEqual({
      outcome: 'sent',
      parts: [{ remoteId: { scope: `id:${bob}`, id, by: 'sender' } }],
    });
  });

  test('is of unknown fate when the stream is lost, and refused where it is too large', async () => {
    const stage = new Stage();
    const [first, second] = [stage.send(), stage.send()];
    stage.left[0]?.settled?.('lost');
    stage.left[1]?.settled?.('too-large');
    expect(await outcomeOf(first.outcome)).toBe('unknown');
    expect(await second.outcome).toMatchObject({ outcome: 'refused', failure: { code: 'too-large' } });
  });

  test('is refused by an error before that, and has failed by one after it', async () => {
    const stage = new Stage();
    const first = stage.send();
    await stage.hear(bounce(first.id, `from='${bob}'`));
    expect(await first.outcome).toMatchObject({ outcome: 'refused', failure: { code: 'not-found' } });
    const second = stage.send();
    stage.left[1]?.settled?.('acknowledged');
    await second.outcome;
    await stage.hear(bounce(second.id, `from='${bob}/pda'`));
    expect(stage.receipts()).toMatchObject([
      { about: { wireId: second.id }, state: 'failed', failure: { code: 'not-found' } },
    ]);
  });

  test('is not refused by somebody whom it did not go to', async () => {
    const stage = new Stage();
    const { id, outcome } = stage.send();
    await stage.hear(bounce(id, `from='mallory@example.org'`));
    await stage.hear(bounce('not-ours', `from='${bob}'`));
    stage.left[0]?.settled?.('acknowledged');
    expect(await outcomeOf(outcome)).toBe('sent');
    expect(stage.receipts()).toEqual([]);
  });

  test('to a room waits for the room to say it; an occupant cannot refuse it, the room can', async () => {
    const stage = new Stage();
    const { id, outcome } = stage.send(inRoom);
    expect(await outcome).toEqual({ outcome: 'pending', parts: 1 });
    await stage.hear(bounce(id, `from='${room}/mallory'`));
    expect(stage.receipts()).toEqual([]);
    await stage.hear(bounce(id, `from='${room}'`));
    expect(stage.receipts()).toMatchObject([{ state: 'failed' }]);
  });

  test('to a room over a stream that is lost is of unknown fate', async () => {
    const stage = new Stage();
    const { id } = stage.send(inRoom);
    stage.left[0]?.settled?.('lost');
    stage.inlet.flush();
    await stage.inlet.drained(1_000);
    expect(stage.receipts()).toMatchObject([{ about: { wireId: id }, state: 'unknown' }]);
  });

  test('is of unknown fate when the time is over, and does not leave when it was over before', async () => {
    const stage = new Stage();
    const control = new AbortController();
    const { outcome } = stage.send({}, control.signal);
    control.abort();
    expect(await outcomeOf(outcome)).toBe('unknown');
    expect(await outcomeOf(stage.send({}, control.signal).outcome)).toBe('later');
    expect(stage.left).toHaveLength(1);
  });

  test('leaves in its order, also behind a file that is put first; others do not wait', async () => {
    const stage = new Stage();
    let put: (value: unknown) => void = noop;
    stage.upload = new Promise((done) => {
      put = done;
    });
    const attachments = [{ name: 'a', mediaType: 'image/png', url: 'https://example.org/a' }];
    const sent = [
      stage.send({ content: { text: '', attachments } }),
      stage.send({ content: { text: 'second' } }),
      stage.send({ to: 'carol@example.org', content: { text: 'to carol' } }),
    ];
    await Promise.resolve();
    expect(stage.texts()).toHaveLength(1);
    put(undefined);
    await new Promise((done) => setImmediate(done));
    expect(stage.texts().map((text) => /<body>([^<]*)/.exec(text)?.[1])).toEqual([
      'to carol',
      'https://example.org/a',
      'second',
    ]);
    for (const { settled } of stage.left) settled?.('acknowledged');
    expect(await Promise.all(sent.map(async ({ outcome }) => outcomeOf(outcome)))).toEqual([
      'sent',
      'sent',
      'sent',
    ]);
  });
});

describe('what is heard', () => {
  const asking = `<request xmlns='urn:xmpp:receipts'/>`;

  test('is receipted once it is stored, to those who may see our presence', async () => {
    const stage = new Stage();
    stage.talk.hear(
      readStanza(`<message type='chat' id='b1' from='${bob}/pda'><body>hi</body>${asking}</message>`),
    );
    expect(stage.texts()).toEqual([]);
    stage.inlet.flush();
    await stage.inlet.drained(1_000);
    expect(stage.texts()).toEqual([
      `<message to="${bob}/pda" type="chat" id="received-b1"><received xmlns="urn:xmpp:receipts" id="b1"/><store xmlns="urn:xmpp:hints"/></message>`,
    ]);
    await stage.hear(
      `<message type='chat' id='m1' from='mallory@example.org/x'><body>hi</body>${asking}</message>`,
    );
    await stage.hear(
      `<message type='groupchat' id='r1' from='${room}/bob'><body>hi</body>${asking}</message>`,
    );
    await stage.hear(`<message type='chat' id='c1' from='alice@example.org'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' type='chat' id='b2' from='${bob}/pda' to='alice@example.org/other'><body>copy</body>${asking}</message></forwarded></received></message>`);
    expect(stage.house.heard().map(({ content }) => content.text)).toEqual(['hi', 'hi', 'hi', 'copy']);
    expect(stage.texts()).toHaveLength(1);
  });

  test('is told to have been read, where its sender wants to know', async () => {
    const stage = new Stage();
    const markable = `<markable xmlns='urn:xmpp:chat-markers:0'/>`;
    await stage.hear(`<message type='chat' id='b1' from='${bob}/pda'><body>hi</body>${markable}</message>`);
    await stage.hear(`<message type='chat' id='b2' from='${bob}/pda'><body>hi</body></message>`);
    const place = (id: string) => ({
      at: new Date(),
      remoteIds: [{ scope: `id:${bob}`, id, by: 'sender' as const }],
    });
    stage.talk.markRead(bob, place('b2'));
    expect(stage.texts()).toEqual([]);
    stage.talk.markRead(bob, place('b1'));
    stage.talk.markRead(bob, place('b1'));
    expect(stage.texts()).toEqual([
      `<message to="${bob}" type="chat"><displayed xmlns="urn:xmpp:chat-markers:0" id="b1"/><store xmlns="urn:xmpp:hints"/></message>`,
    ]);
  });

  test('of what we said marks all before it as read, and of what we read elsewhere moves our mark', async () => {
    const stage = new Stage();
    const sent = [stage.send(), stage.send(), stage.send()];
    const displayed = (id: string): string => `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`;
    await stage.hear(`<message type='chat' from='${bob}/pda'>${displayed(sent[1]?.id ?? '')}</message>`);
    expect(stage.receipts().map(({ about, state }) => [about, state])).toEqual(
      sent.slice(0, 2).map(({ id }) => [{ wireId: id }, 'read']),
    );
    await stage.hear(`<message from='alice@example.org'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' type='chat' from='alice@example.org/phone' to='${bob}'>${displayed('b7')}</message></forwarded></sent></message>`);
    expect(stage.house.storage.stored.at(-1)).toMatchObject({
      type: 'read',
      conversation: bob,
      upTo: { scope: `id:${bob}`, id: 'b7' },
    });
  });

  test('as a copy counts from our own account alone, and for what it says it is', async () => {
    const stage = new Stage();
    const copy = (from: string, way: string, inner: string): string =>
      `<message from='${from}'><${way} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' ${inner}><body>x</body></message></forwarded></${way}></message>`;
    const [mine, theirs] = [
      `from='alice@example.org/phone' to='${bob}'`,
      `from='${bob}/pda' to='alice@example.org'`,
    ];
    await stage.hear(copy('mallory@example.org', 'received', theirs));
    await stage.hear(copy('alice@example.org/phone', 'sent', mine));
    await stage.hear(copy('alice@example.org', 'sent', theirs));
    await stage.hear(copy('alice@example.org', 'received', `from='${bob}/pda' to='carol@example.org'`));
    expect(stage.house.storage.stored).toEqual([]);
    await stage.hear(copy('alice@example.org', 'sent', mine));
    await stage.hear(copy('alice@example.org', 'received', theirs));
    expect(stage.house.storage.stored).toMatchObject([{ origin: 'other-device' }, { origin: 'remote' }]);
  });

  test('again over a resumed stream has no earlier time than what came before it', async () => {
    const stage = new Stage();
    const said = (text: string, more = ''): string =>
      `<message type='chat' from='${bob}/pda' id='${text}'><body>${text}</body>${more}</message>`;
    const second = new Date(Math.floor(stage.clock.now() / 1_000) * 1_000);
    stage.clock.advance(second.getTime() + 1_591 - stage.clock.now());
    await stage.hear(said('one'));
    const stamp = new Date(second.getTime() + 1_000).toISOString().replace('.000', '');
    await stage.hear(said('two', `<delay xmlns='urn:xmpp:delay' from='example.org' stamp='${stamp}'/>`));
    expect(stage.house.heard().map(({ at, mode }) => [at.getTime() - second.getTime(), mode])).toEqual([
      [1_591, 'live'],
      [1_591, 'catch-up'],
    ]);
  });

  test('as a result that nobody asked for is nothing', async () => {
    const stage = new Stage();
    await stage.hear(`<message from='alice@example.org'><body>x</body><result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${bob}'><body>y</body></message></forwarded></result></message>`);
    expect(stage.house.storage.stored).toEqual([]);
  });
});

describe('typing', () => {
  const state = (name: string, from = `${bob}/pda`): string =>
    `<message type='chat' from='${from}'><${name} xmlns='http://jabber.org/protocol/chatstates'/></message>`;

  test('of others ends with their words, with their word for it, or after a minute', async () => {
    const stage = new Stage();
    const active = () => stage.house.typings.map((typing) => typing.active);
    await stage.hear(state('composing'));
    await stage.hear(state('composing'));
    await stage.hear(`<message type='chat' from='${bob}/pda'><body>hi</body></message>`);
    expect(active()).toEqual([true, false]);
    await stage.hear(state('composing'));
    await stage.hear(state('paused'));
    expect(active()).toEqual([true, false, true, false]);
    await stage.hear(state('composing'));
    stage.clock.advance(60_000);
    expect(active()).toEqual([true, false, true, false, true, false]);
  });

  test('of ours is shown once, and only to those who show theirs', async () => {
    const stage = new Stage();
    stage.talk.typing(bob, true);
    expect(stage.texts()).toEqual([]);
    await stage.hear(state('active'));
    stage.talk.typing(bob, true);
    stage.talk.typing(bob, true);
    stage.talk.typing(bob, false);
    expect(stage.texts().map((text) => /<(composing|paused) /.exec(text)?.[1])).toEqual([
      'composing',
      'paused',
    ]);
    stage.talk.typing(bob, true);
    void stage.send();
    stage.talk.typing(bob, false);
    expect(stage.texts()).toHaveLength(4);
  });

  test('is over when the stream is', async () => {
    const stage = new Stage();
    await stage.hear(state('composing'));
    stage.talk.ended();
    expect(stage.house.typings.at(-1)).toMatchObject({ active: false });
  });
});

test('our server is asked for copies, and what can be done is told, in each room as well', async () => {
  const stage = new Stage();
  stage.talk.online('new');
  await new Promise((done) => setImmediate(done));
  expect(stage.asked.map((payload) => serialise(payload))).toEqual(['<enable xmlns="urn:xmpp:carbons:2"/>']);
  expect(stage.house.capabilitiesOf(stage.account)).toMatchObject({ files: 'fallback', edits: 'native' });
  const features = new Set(['http://jabber.org/protocol/muc']);
  stage.talk.entered({ address: room, features });
  expect(stage.house.capabilitiesOf(stage.account, room)).toMatchObject({
    reactions: 'none',
    receipts: 'none',
  });
  stage.talk.entered({ address: room, features: new Set([...features, 'urn:xmpp:sid:0']) });
  expect(stage.house.capabilitiesOf(stage.account, room)).toMatchObject({ reactions: 'native' });
  stage.talk.online('resumed');
  await new Promise((done) => setImmediate(done));
  expect(stage.asked).toHaveLength(1);
});
