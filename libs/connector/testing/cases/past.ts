import { expect } from '@jest/globals';
import { can, idsOf, type Place } from '#connector';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';

const never = new AbortController().signal;

function historian(rig: Rig) {
  if (!can(rig.session, 'has-history')) throw new Error('has-history is declared and not there');
  return rig.session;
}

async function sayAll(observer: Observer, to: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await observer.say(to, text);
}

/** Messages about a mark, in the order of the network's time; equal times keep the order in which they were stored. */
function inTime(rig: Rig, mark: string): readonly string[] {
  return rig.context
    .messages()
    .filter(({ content }) => content.text.includes(mark))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ content }) => content.text);
}

/** Cut off while others talk in a room, then back while they go on; gives what was said, in order. */
async function missing(bench: Bench, rig: Rig, observer: Observer, room: string): Promise<readonly string[]> {
  const mark = bench.mark();
  const texts = Array.from({ length: 12 }, (_, i) => `${mark} ${String(i)}`);
  await sayAll(observer, room, texts.slice(0, 3));
  await rig.until('the first are heard', () => rig.heard(mark).length === 3);
  await rig.proxy.deafen();
  rig.proxy.cut('rst');
  await rig.until('the link is lost', () => rig.context.stateOf()?.state !== 'online');
  await sayAll(observer, room, texts.slice(3, 9));
  const since = rig.context.states.length;
  await rig.proxy.listen();
  await rig.untilStateSince(since, 'online');
  await sayAll(observer, room, texts.slice(9));
  await rig.until('all of it is stored', () => texts.every((text) => rig.heard(mark).includes(text)));
  await rig.quiet();
  expect(inTime(rig, mark)).toEqual(texts);
  return texts;
}

/** What is older than now, what was missed, and how far it was read. */
export const past: readonly Case[] = [
  {
    id: 'history',
    sentence: 'fetches the past page by page, in order, as history, each message once (§8, HasHistory)',
    needs: [{ ability: 'has-history' }, { act: 'history' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const texts = Array.from({ length: 7 }, (_, i) => `${mark} ${String(i)}`);
      await sayAll(observer, rig.address, texts);
      await rig.until('all of them live', () => rig.heard(mark).length === texts.length);
      const found: string[] = [];
      let before: Place | undefined;
      for (let pages = 0; pages < 10; pages++) {
        const page = await historian(rig).history(
          rig.account,
          { conversation: observer.address, limit: 3, ...(before && { before }) },
          never,
        );
        if (page.outcome !== 'done') throw new Error(`refused: ${page.failure.code}`);
        expect(page.events.length).toBeLessThanOrEqual(3);
        const messages = page.events.filter((event) => event.type === 'message');
        for (const event of messages) expect(event.mode).toBe('history');
        found.unshift(...messages.map(({ content }) => content.text).filter((text) => text.includes(mark)));
        before = page.next;
        if (page.complete || before === undefined) break;
      }
      expect(found).toEqual(texts);
    },
  },
  {
    id: 'history-ids',
    sentence: 'gives history all ids that the same messages had as they happened (§6, duplicates)',
    needs: [{ ability: 'has-history' }, { act: 'history' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      await observer.say(rig.address, mark);
      const live = await rig.until('it is heard', () =>
        rig.context.heard().find(({ content }) => content.text === mark),
      );
      expect(live.remoteId).toBeDefined();
      const page = await historian(rig).history(
        rig.account,
        { conversation: observer.address, limit: 10 },
        never,
      );
      const events = page.outcome === 'done' ? page.events : [];
      const found = events.find((event) => event.type === 'message' && event.content.text === mark);
      expect(found).toMatchObject({ at: live.at, origin: 'remote' });
      if (found?.type !== 'message') throw new Error('history lacks it');
      expect(idsOf(found)).toEqual(expect.arrayContaining([...idsOf(live)]));
    },
  },
  {
    id: 'history-refused',
    sentence:
      'refuses history that was asked back or that nobody can have, and rejects nothing (§8, HasHistory)',
    needs: [{ ability: 'has-history' }, { act: 'history' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const session = historian(rig);
      const ask = { conversation: observer.address, limit: 5 };
      const aborted = await session.history(rig.account, ask, AbortSignal.abort());
      expect(aborted.outcome).toBe('refused');
      await rig.proxy.deafen();
      rig.proxy.cut('rst');
      await rig.until('the link is lost', () => rig.context.stateOf()?.state !== 'online');
      expect((await session.history(rig.account, ask, never)).outcome).toBe('refused');
    },
  },
  {
    id: 'catches-up',
    sentence: 'catches up after an absence, in order, without a double, and tells no gap for it (law 2)',
    needs: [{ ability: 'has-history' }, { act: 'history' }, { ability: 'has-rooms' }, { act: 'rooms' }],
    async run(bench) {
      const observer = await bench.observer();
      const room = await bench.room(observer);
      const rig = await bench.rig({ rooms: [room] });
      await missing(bench, rig, observer, room);
      expect(rig.context.storage.stored.filter(({ type }) => type === 'gap')).toEqual([]);
      await missing(bench, rig, observer, room);
    },
  },
  {
    id: 'marks-out',
    sentence: 'tells the network how far our person has read, forward only (§7, read marks)',
    needs: [{ ability: 'marks-read' }, { act: 'marks' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      await sayAll(observer, rig.address, [`${mark} 0`, `${mark} 1`]);
      const heard = await rig.until('both are heard', () => {
        const messages = rig.context.heard().filter(({ content }) => content.text.includes(mark));
        return messages.length === 2 ? messages : undefined;
      });
      const { session } = rig;
      if (!can(session, 'marks-read')) throw new Error('marks-read is declared and not there');
      for (const message of heard.toReversed()) {
        session.markRead(rig.account, observer.address, { at: message.at, remoteIds: idsOf(message) });
      }
      const last = heard[1]?.at.getTime();
      const marked = () => bench.network.marks?.(rig.login).of(observer.address)?.getTime();
      await rig.until('the network has it', () => marked() === last);
      await rig.quiet();
      expect(marked()).toBe(last);
    },
  },
  {
    id: 'marks-in',
    sentence: 'tells what our person reads on another device (§7, read marks)',
    needs: [{ ability: 'marks-read' }, { act: 'marks' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      await observer.say(rig.address, mark);
      const said = await rig.until('it is heard', () =>
        rig.context.heard().find(({ content }) => content.text === mark),
      );
      await bench.network.marks?.(rig.login).move(observer.address, said.at);
      const read = await rig.until('the move is told', () =>
        rig.context.storage.stored.find((event) => event.type === 'read'),
      );
      expect(read).toMatchObject({ type: 'read', account: rig.account, conversation: observer.address });
      expect([said.at, ...idsOf(said)]).toContainEqual(read.upTo);
    },
  },
];
