import { expect } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope, type SendOutcome } from '#connector';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';

/** Texts that every network which speaks of text must carry whole: one letter each of what goes wrong. */
const hard = [
  'é and e\u0301: composed and combining',
  '👩‍👩‍👧‍👦 🇺🇳 👍🏽 joined, flagged, tinted',
  'שלום עולם: right to left \u2067and isolated\u2069',
  '日本語 한국어 ไทย हिन्दी',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 beyond the first plane',
  'quotes "\' <tags> &amp; {braces} \\backslash %s $HOME :colon',
];

/** It left: the network has it, or nobody has complained. */
export function expectLeft(outcome: SendOutcome): void {
  expect(outcome).toMatchObject({ outcome: expect.stringMatching(/^(sent|pending)$/) as unknown });
}

/** Where an observer is in a room. */
export function addressIn(observer: Observer, room: string): string {
  return observer.addressIn?.(room) ?? observer.address;
}

/** Where an account and an observer talk alone. */
export function conversationWith(observer: Observer, rig: Rig): string {
  return observer.conversationWith?.(rig.address) ?? observer.address;
}

/** Waits until an observer has heard something that contains a text, and gives it. */
export function heardBy(bench: Bench, observer: Observer, rig: Rig, text: string) {
  return rig.until(`${observer.address} hears it`, () =>
    observer.heard().find((heard) => heard.text.includes(text)),
  );
}

function completed(rig: Rig, envelope: OutboundEnvelope): boolean {
  const wireId = wireIdOf(envelope.id, 0);
  return (
    rig.context.messages().some((message) => message.wireId === wireId && message.origin === 'own') ||
    rig.context.receipts().some(({ about }) => 'wireId' in about && about.wireId === wireId)
  );
}

export const talks: readonly Case[] = [
  {
    id: 'connects',
    sentence:
      'says that it connects, then that it is online, under which address, and what it can do (§8, state)',
    async run(bench) {
      const { context, login, account } = await bench.rig();
      const states = context.states.map(({ state }) => state);
      expect(states[0]).toEqual({ state: 'connecting' });
      expect(states.at(-1)).toEqual({ state: 'online', localAddress: login.address });
      expect(context.capabilitiesOf(account)).toBeDefined();
    },
  },
  {
    id: 'direct',
    sentence: 'carries direct messages both ways (§6)',
    needs: [{ capability: 'direct' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      expectLeft((await rig.say(observer.address, `${mark} hello`)).outcome);
      expect(await heardBy(bench, observer, rig, mark)).toMatchObject({
        from: rig.address,
        to: observer.address,
        text: `${mark} hello`,
      });
      await observer.say(rig.address, `${mark} hello yourself`);
      const message = await rig.until('the answer', () =>
        rig.context.heard().find(({ content }) => content.text === `${mark} hello yourself`),
      );
      expect(message).toMatchObject({
        account: rig.account,
        conversation: conversationWith(observer, rig),
        conversationKind: 'direct',
        author: { address: observer.address },
        mode: 'live',
      });
    },
  },
  {
    id: 'room',
    sentence: 'carries messages of a room both ways (§6)',
    needs: [{ capability: 'rooms' }, { act: 'rooms' }],
    async run(bench) {
      const observer = await bench.observer();
      const room = await bench.room(observer);
      const rig = await bench.rig({ rooms: [room] });
      const mark = bench.mark();
      expectLeft((await rig.say(room, `${mark} hello all`)).outcome);
      expect(await heardBy(bench, observer, rig, mark)).toMatchObject({
        from: rig.addressIn(room),
        to: room,
      });
      await observer.say(room, `${mark} hello you`);
      const message = await rig.until('the answer', () =>
        rig.context.heard().find(({ content }) => content.text === `${mark} hello you`),
      );
      expect(message).toMatchObject({
        conversation: room,
        conversationKind: 'room',
        author: { address: addressIn(observer, room) },
      });
    },
  },
  {
    id: 'unicode',
    sentence: 'keeps every character whole in both directions (§6)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const texts = hard.map((text) => `${mark} ${text}`);
      for (const text of texts) expectLeft((await rig.say(observer.address, text)).outcome);
      // A network with short lines may have carried them in parts.
      const all = texts.join('');
      const whole = () =>
        observer
          .heard()
          .map(({ text }) => text)
          .join('');
      await rig.until('all of it', () => whole().length >= all.length);
      expect(whole()).toBe(all);
      for (const text of texts) await observer.say(rig.address, text);
      await rig.until('all of it', () => rig.heard(mark).length >= texts.length);
      expect(rig.heard(mark)).toEqual(texts);
    },
  },
  {
    id: 'long',
    sentence: 'sends a text past the network’s limit whole, in parts if need be, or refuses it (§6, parts)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const limit = rig.context.capabilitiesOf(rig.account)?.maxTextBytes ?? 4_000;
      const text = mark + '👩‍👩‍👧é'.repeat(Math.ceil((limit * 2.5) / 20));
      const { outcome } = await rig.say(observer.address, text);
      if (outcome.outcome === 'refused') {
        expect(outcome.failure.code).toBe('too-large');
        return;
      }
      expectLeft(outcome);
      const whole = () =>
        observer
          .heard()
          .map((heard) => heard.text)
          .join('');
      await rig.until('all of it', () => whole().length >= text.length);
      expect(whole()).toBe(text);
    },
  },
  {
    id: 'order-out',
    sentence: 'puts pipelined sends on the wire in the order of the calls (law 3)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const texts = numbered(bench, mark);
      const outcomes = await rig.sendAll(texts.map((text) => rig.envelope(observer.address, text)));
      for (const outcome of outcomes) expectLeft(outcome);
      await heardBy(bench, observer, rig, texts.at(-1) ?? mark);
      expect(observer.heard().map(({ text }) => text)).toEqual(texts);
    },
  },
  {
    id: 'order-in',
    sentence: 'hands inbound messages over in their order, each once (law 3)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const texts = numbered(bench, mark);
      for (const text of texts) await observer.say(rig.address, text);
      await rig.until('all of them', () => rig.heard(mark).length >= texts.length);
      await rig.quiet();
      expect(rig.heard(mark)).toEqual(texts);
    },
  },
  {
    id: 'echo',
    sentence:
      'completes what it sent by its wire id, and never tells an own message as somebody else’s (§1, echo)',
    async run(bench) {
      const observer = await bench.observer();
      const rooms = bench.harness.acts.includes('rooms') ? [await bench.room(observer)] : [];
      const rig = await bench.rig({ rooms });
      const mark = bench.mark();
      for (const to of [observer.address, ...rooms]) {
        const { envelope, outcome } = await rig.say(to, `${mark} mine`);
        expectLeft(outcome);
        if (outcome.outcome === 'pending') await rig.until('it is completed', () => completed(rig, envelope));
      }
      await rig.until('the observer hears all', () => observer.heard().length === 1 + rooms.length);
      await rig.quiet();
      expect(rig.heard(mark)).toEqual([]);
      const told = rig.context.messages().filter(({ content }) => content.text.includes(mark));
      for (const message of told) expect(message.origin).toBe('own');
      const wires = told.map(({ wireId }) => wireId);
      expect(new Set(wires).size).toBe(wires.length);
    },
  },
  {
    id: 'emote',
    sentence: 'carries an act of the author (/me waves)',
    needs: [{ capability: 'emote' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const { outcome } = await rig.say(observer.address, mark, {
        content: { text: `${mark} waves`, emote: true },
      });
      expectLeft(outcome);
      await heardBy(bench, observer, rig, `${mark} waves`);
    },
  },
  {
    id: 'aborted',
    sentence: 'says what it knows when asked to hurry, and rejects nothing (§8, send)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const hurry = new AbortController();
      const flying = rig.session.send(rig.envelope(observer.address, bench.mark()), hurry.signal);
      hurry.abort();
      const outcomes = await Promise.all([
        flying,
        rig.session.send(rig.envelope(observer.address, bench.mark()), AbortSignal.abort()),
      ]);
      for (const { outcome } of outcomes) expect(['sent', 'pending', 'later', 'unknown']).toContain(outcome);
    },
  },
];

function numbered(bench: Bench, mark: string): readonly string[] {
  return Array.from({ length: bench.harness.volume ?? 200 }, (_, i) => `${mark} ${String(i)}`);
}
