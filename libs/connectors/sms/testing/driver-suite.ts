/*
 * One suite for every driver whose provider is reached over HTTP and calls us back: what must hold whatever the provider's
 * own words are. A harness says how the provider hears, answers and calls.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { wireIdOf, type JsonObject, type OutboundEnvelope } from '#connector';
import { errorCodes } from '#model';
import { eventually } from '#peers';
import type { Asked, FakeProvider, Manners } from './fake-provider.js';
import { ownNumber, ProviderRig, type Call } from './provider-rig.js';

export interface Said {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

export interface DriverHarness {
  readonly name: string;
  /** A provider that takes every text. */
  start(): Promise<FakeProvider>;
  settings(provider: FakeProvider): JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
  /** Whether the provider looks at them before anything is sent. */
  readonly looksAtSecrets: boolean;
  /** What was sent, of what the provider was asked; nothing where it was asked something else. */
  heard(asked: Asked): Said | undefined;
  /** How the provider says no for good, and with which code we say so. */
  readonly refusal: { readonly manners: Manners; readonly code: string };
  /** How it says that the password is wrong. */
  readonly stranger: Manners;
  /** Its call when a phone writes. */
  says(rig: ProviderRig, said: Said & { readonly id: string }): Call;
  /** Its call about a text that it was asked to send. */
  tells(rig: ProviderRig, asked: Asked, part: number, state: 'delivered' | 'failed'): Call;
}

const peer = '+12025550123';
const words = [
  'hello',
  'Grüße, 5 €',
  'щи да каша',
  'a 👩‍👩‍👧 and a 🧿',
  'a & b = c + d % 20 <x> "q" \\ {{text}}\nnext',
];

/** Runs the suite against one driver. */
export function describeDriver(harness: DriverHarness): void {
  describe(`the driver ${harness.name}`, () => {
    let provider: FakeProvider;
    beforeAll(async () => {
      provider = await harness.start();
    });
    afterAll(async () => {
      await provider[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      provider.asked.length = 0;
      provider.next.length = 0;
    });

    const online = () => ProviderRig.online(harness.settings(provider), harness.secrets);
    const texts = () => provider.asked.flatMap((asked) => (harness.heard(asked) ? [asked] : []));

    it('sends a text as it is, whatever it is written in', async () => {
      await using rig = await online();
      for (const text of words) {
        expect(await rig.send(rig.envelope(peer, text))).toMatchObject({ outcome: 'sent' });
        const [asked] = texts().slice(-1);
        expect(asked && harness.heard(asked)).toEqual({ from: ownNumber, to: peer, text });
      }
    });

    it('tells what became of each part, however often and in whatever order the provider does', async () => {
      await using rig = await online();
      const envelope = rig.envelope(peer, 'to be delivered. '.repeat(20));
      const outcome = await rig.send(envelope);
      const parts = outcome.outcome === 'sent' ? outcome.parts.length : 0;
      expect(parts).toBe(texts().length);
      for (const [part, asked] of [...texts().entries()].reverse()) {
        const call = harness.tells(rig, asked, part, 'delivered');
        for (let times = 0; times < 2; times++) expect(rig.call(call).status).toBe(200);
      }
      expect(rig.waiting.length).toBe(parts);
      expect(await rig.handOver()).toBe('taken');
      const told = rig.house.receipts().map(({ about, state }) => ({ about, state }));
      expect(told).toEqual(
        Array.from({ length: parts }, (_, n) => {
          const part = parts - 1 - n;
          return { about: { wireId: wireIdOf(envelope.id, part) }, state: 'delivered' };
        }),
      );
    });

    it('says why a text did not arrive, in a code that is on the list', async () => {
      await using rig = await online();
      const envelope = rig.envelope(peer, 'to be lost');
      await rig.send(envelope);
      const [asked] = texts();
      if (!asked) throw new Error('nothing was sent');
      rig.call(harness.tells(rig, asked, 0, 'failed'));
      expect(await rig.handOver()).toBe('taken');
      const [receipt] = rig.house.receipts();
      expect(receipt).toMatchObject({ about: { wireId: wireIdOf(envelope.id, 0) }, state: 'failed' });
      expect(errorCodes).toContain(receipt?.failure?.code);
    });

    it('takes in what phones write, once, whole, in order and to the number that they wrote to', async () => {
      await using rig = await online();
      const said = words.map((text, n) => ({
        from: peer,
        to: n % 2 ? '12345' : ownNumber,
        text,
        id: `in-${String(n)}`,
      }));
      for (const one of [...said, ...said.slice(0, 2)])
        expect(rig.call(harness.says(rig, one)).status).toBe(200);
      expect(await rig.handOver()).toBe('taken');
      expect(
        rig.house
          .heard()
          .map(({ conversation, author, content }) => ({ conversation, author, text: content.text })),
      ).toEqual(
        said.map(({ to, text }) => ({
          conversation: `${peer}/${to}`,
          author: { address: peer, kind: 'reassignable' },
          text,
        })),
      );
    });

    it('takes in once what cannot be stored now, or of which nobody knows whether it is', async () => {
      await using rig = await online();
      const faults = [
        { fault: 'not-stored', retryAfterMs: 5 },
        { fault: 'in-doubt', kept: true },
        { fault: 'in-doubt', kept: false },
      ] as const;
      for (const [n, fault] of faults.entries()) {
        const text = `patience ${String(n)}`;
        rig.call(harness.says(rig, { from: peer, to: ownNumber, text, id: `later-${String(n)}` }));
        rig.house.storage.failNext(fault);
        await eventually('it is taken', async () => (await rig.handOver()) === 'taken');
        expect(rig.house.heard().filter(({ content }) => content.text === text)).toHaveLength(1);
      }
    });

    const attempt = async (rig: ProviderRig, manners?: Manners) => {
      if (manners !== undefined) provider.next.push(manners);
      const envelope: OutboundEnvelope = rig.envelope(peer, 'a try');
      return await rig.send(envelope);
    };

    it('says of each text what it knows: refused, later, or that nobody knows', async () => {
      await using rig = await online();
      const { manners, code } = harness.refusal;
      expect(await attempt(rig, manners)).toMatchObject({ outcome: 'refused', failure: { code } });
      expect(await attempt(rig, 'cut')).toMatchObject({ outcome: 'unknown' });
      expect(await attempt(rig, { status: 500, body: 'oops' })).toMatchObject({ outcome: 'unknown' });
      expect(await attempt(rig, 'silent')).toMatchObject({
        outcome: 'unknown',
        failure: { code: 'timeout' },
      });
      const busy = { status: 429, headers: { 'retry-after': '7' }, body: '' };
      expect(await attempt(rig, busy)).toMatchObject({ outcome: 'later', retryAfterMs: 7_000 });
      expect(await attempt(rig)).toMatchObject({ outcome: 'sent' });
    });

    it('sends nothing twice: where nothing listened the text has not left, and goes when something does', async () => {
      // On a connection that is kept, a text may be on its way before we hear that nobody reads it.
      provider.isBrief = true;
      await using rig = await online();
      await provider.down();
      try {
        expect(await attempt(rig)).toMatchObject({
          outcome: 'later',
          failure: { code: 'network-unreachable' },
        });
      } finally {
        await provider.up();
        provider.isBrief = false;
      }
      provider.asked.length = 0;
      expect(await attempt(rig)).toMatchObject({ outcome: 'sent' });
      expect(texts()).toHaveLength(1);
    });

    it('asks for a person when it is not let in, and not again and again', async () => {
      if (harness.looksAtSecrets) {
        provider.next.push(harness.stranger);
        await using shut = new ProviderRig(harness.settings(provider), harness.secrets);
        await shut.state('needs-person');
        expect(shut.house.stateOf()).toMatchObject({ code: 'auth-failed', remedy: 'ask-person' });
      }
      await using rig = await online();
      expect(await attempt(rig, harness.stranger)).toMatchObject({ outcome: 'later' });
      await rig.state('needs-person');
      const before = provider.asked.length;
      expect(await attempt(rig)).toMatchObject({ outcome: 'later' });
      expect(provider.asked.length).toBe(before);
    });

    it('settles what is under way when it is closed, and connects only where it may', async () => {
      const rig = await online();
      provider.next.push('silent');
      const sending = rig.send(rig.envelope(peer, 'never answered'));
      await eventually('it is asked', () => texts().length === 1);
      await rig[Symbol.asyncDispose]();
      expect(await sending).toMatchObject({ outcome: 'unknown' });
      expect(new Set(rig.house.turns)).toEqual(new Set(['127.0.0.1']));
    });
  });
}
