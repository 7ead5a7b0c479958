import { once } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { until } from '#connector/testing';
import { Wire } from './irc.transport.js';

it.each([
  // Few of them in a chunk: a turn brings tens of chunks.
  { size: 15_000, count: 400, ms: 3 },
  // Small and dear: they come faster than they are handed on.
  { size: 500, count: 1_500, ms: 2 },
])(
  'lines of $size bytes that cost $ms ms get no more of a turn than its slice, and are read no further ahead than that',
  async ({ size, count, ms }) => {
    const line = `${'x'.repeat(size)}\r\n`;
    const server = createServer((caller) => caller.on('error', () => undefined).write(line.repeat(count)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    let socket: Socket | undefined;
    const connected = (made: unknown): void => {
      socket ??= (made as { readonly socket: Socket }).socket;
    };
    subscribe('net.client.socket', connected);
    let [handed, inTurn, most, ahead] = [0, 0, 0, 0];
    const nothing = (): void => undefined;
    const wire = new Wire(
      {
        host: 'irc.example.org',
        addresses: ['127.0.0.1'],
        port: (server.address() as AddressInfo).port,
        tls: false,
        encoding: 'windows-1252',
      },
      {
        opened: nothing,
        line: () => {
          handed++;
          most = Math.max(most, ++inTurn);
          ahead = Math.max(ahead, (socket?.bytesRead ?? Infinity) - handed * line.length);
          const until = performance.now() + ms;
          while (performance.now() < until);
        },
        lull: nothing,
        drained: nothing,
        closed: nothing,
      },
    );
    const turn = (): void => {
      inTurn = 0;
      if (handed < count) setImmediate(turn);
    };
    try {
      turn();
      wire.open();
      await until('all are handed on', () => handed === count, 50_000);
      // Those that begin within 15 ms, and one that had been begun.
      expect(most).toBeLessThanOrEqual(Math.floor(15 / ms) + 1);
      expect(ahead).toBeLessThan(4 * 65_536);
    } finally {
      handed = count;
      unsubscribe('net.client.socket', connected);
      wire.destroy();
      server.close();
    }
  },
);
