/*
 * A netsplit of 10,000 and their coming back, as servers of today tell it (batches) and as all others do (a line for each).
 * The server is in a thread of its own, so that what is measured here is the connector alone.
 */
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { can, type OccupancyChange } from '#connector';
import { TestContext } from '#connector/testing';
import { Rigs } from '#connectors/irc/testing';
import { eventually } from '#peers';

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
    const house = Object.assign(new TestContext({}), {
      occupancy: (_account: string, _room: string, change: OccupancyChange) => deltas.push(change),
    });
    const rigs = new Rigs();
    ends.push(() => rigs[Symbol.asyncDispose]());
    const { session, account, until } = rigs.begin({
      port,
      house,
      rooms: ['#big'],
      timings: { occupancy: 1_000 },
    });
    await until('online');
    if (!can(session, 'has-rooms')) throw new Error('it has rooms');
    const here = (): number => session.occupants(account, '#big').length;
    await eventually('all are there', () => here() >= crowd && deltas.length > 0);
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
    for (const [word, left] of [
      ['split', true],
      ['rejoin', false],
    ] as const) {
      deltas.length = 0;
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      await ask(word);
      await eventually(`${word} is told`, () => deltas.some((one) => (left ? one.left : one.joined)));
      delay.disable();
      expect(here()).toBe(left ? 0 : crowd);
      expect(deltas.map((one) => (left ? one.left : one.joined)?.length)).toEqual([crowd]);
      // Not the worst of it: that is the machine's, which others use as well.
      expect(delay.percentile(50) / 1e6).toBeLessThan(50);
    }
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(100 * 1024 * 1024);
  }, 60_000);
});
