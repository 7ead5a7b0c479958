/*
 * A netsplit of 10,000 and their coming back, as servers of today tell it (batches) and as all others do (a line for each).
 * The server is in a thread of its own, so that what is measured here is the connector alone.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { can, type OccupancyChange } from '#connector';
import { TestContext } from '#connector/testing';
import { Rigs } from '#connectors/irc/testing';
import { eventually, leastOf, watchTurns } from '#peers';

const crowd = 10_000;

/** A server that knows one large room; it splits and joins at the words `split` and `join`. */
const server = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const nicks = Array.from({ length: workerData.crowd }, (_, i) => 'guest' + i);
  const listener = createServer((socket) => {
    const say = (...lines) => socket.write(lines.map((line) => line + '\\r\\n').join(''));
    const batched = (type, lines) => workerData.batches
      ? [':s.example BATCH +1 ' + type + ' a.example b.example', ...lines.map((l) => '@batch=1 ' + l), ':s.example BATCH -1']
      : lines;
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const lines = (rest + data).split('\\r\\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('CAP LS') && workerData.batches) say(':s.example CAP * LS :batch');
        else if (line.startsWith('CAP REQ')) say(':s.example CAP * ACK :batch');
        else if (line.startsWith('USER')) say(':s.example 001 alice :Welcome', ':s.example 422 alice :none');
        else if (line.startsWith('PING')) say(':s.example PONG s.example ' + line.slice(5));
        else if (line.startsWith('JOIN')) {
          const names = [];
          for (let i = 0; i < nicks.length; i += 20) names.push(':s.example 353 alice = #big :' + nicks.slice(i, i + 20).join(' '));
          say(':alice!a@example.org JOIN #big', ...names, ':s.example 366 alice #big :End');
        } else if (line.includes('split')) say(...batched('netsplit', nicks.map((n) => ':' + n + '!g@example.org QUIT :a.example b.example')));
        else if (line.includes('rejoin')) say(...batched('netjoin', nicks.map((n) => ':' + n + '!g@example.org JOIN #big')));
      }
    });
  });
  listener.listen(0, '127.0.0.1', () => parentPort.postMessage(listener.address().port));
`;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe.each([
  ['told in batches', true],
  ['told line by line', false],
])('a netsplit of ten thousand, %s', (_name, batches) => {
  it('is one delta, and so is their return; nothing else waits meanwhile', async () => {
    const worker = new Worker(server, { eval: true, workerData: { crowd, batches } });
    ends.push(() => worker.terminate());
    const [port] = (await once(worker, 'message')) as [number];
    const deltas: OccupancyChange[] = [];
    // The moment in which comings and goings are gathered lasts until all have been heard, however long that takes.
    const gathering = 77_777;
    let gathered: (() => void) | undefined;
    const house = Object.assign(new TestContext({}), {
      occupancy: (_account: string, _room: string, change: OccupancyChange) => deltas.push(change),
    });
    const after = house.clock.after.bind(house.clock);
    house.clock.after = (ms, call) => {
      if (ms !== gathering) return after(ms, call);
      gathered = call;
      return () => (gathered = undefined);
    };
    const tell = (): void => {
      gathered?.();
    };
    const rigs = new Rigs();
    ends.push(() => rigs[Symbol.asyncDispose]());
    const { session, account, until } = rigs.begin({
      port,
      house,
      rooms: ['#big'],
      timings: { occupancy: gathering },
    });
    await until('online');
    if (!can(session, 'has-rooms')) throw new Error('it has rooms');
    const here = (): number => session.occupants(account, '#big').length;
    await eventually('all are there', () => here() >= crowd);
    const ask = (text: string) =>
      session.send(
        {
          id: '01890000-0000-7000-8000-000000000001' as never,
          account,
          kind: 'message',
          to: '#big',
          conversationKind: 'room',
          content: { text },
          attempt: 1,
        },
        new AbortController().signal,
      );
    const heap = process.memoryUsage().heapUsed;
    const longestTurn = async (word: 'split' | 'rejoin'): Promise<number> => {
      const gone = word === 'split';
      tell();
      deltas.length = 0;
      const turns = watchTurns();
      await ask(word);
      await eventually(`${word} is heard`, () => here() === (gone ? 0 : crowd));
      tell();
      const longest = await turns.end();
      expect(deltas.map((one) => (gone ? one.left : one.joined)?.length)).toEqual([crowd]);
      return longest;
    };
    const both = async (): Promise<number> => {
      const split = await longestTurn('split');
      return Math.max(split, await longestTurn('rejoin'));
    };
    expect(await leastOf(50, both)).toBeLessThan(50);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(100 * 1024 * 1024);
  });
});
