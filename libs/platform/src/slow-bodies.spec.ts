import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { watchBodies } from './slow-bodies.js';

type Hook = Parameters<Parameters<typeof watchBodies>[0]['addHook']>[1];

/** A server whose requests are watched, and a client that sends what it is told. */
async function open(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  let hook: Hook = () => undefined;
  const cut: Socket[] = [];
  watchBodies({ addHook: (_, given) => (hook = given) }, (socket) => {
    cut.push(socket);
    socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n');
  });
  const server = createServer((request, response) => {
    hook({ raw: request }, { raw: response }, () => {
      handle(request, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  let answer = '';
  client.on('data', (chunk) => (answer += chunk.toString()));
  return {
    client,
    cut,
    answer: () => answer,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n';
const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((turn) => setImmediate(turn));
};

describe('a body that comes', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('too slowly is cut off after 30 s, with an answer', async () => {
    let seen = 0;
    await using server = await open((request) => {
      seen++;
      request.resume();
    });
    server.client.write(`${head}x`);
    while (seen === 0) await turns(1);
    await jest.advanceTimersByTimeAsync(29_000);
    expect(server.cut).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(2_000);
    while (!server.answer().includes('408')) await turns(1);
    expect(server.cut).toHaveLength(1);
  });

  it('fast enough may take its time', async () => {
    let bytes = 0;
    await using server = await open((request) => {
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    });
    server.client.write(head);
    for (let minute = 0; minute < 5; minute++) {
      server.client.write(Buffer.alloc(1_200_000));
      while (bytes < (minute + 1) * 1_200_000) await turns(1);
      await jest.advanceTimersByTimeAsync(60_000);
    }
    expect(server.cut).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(server.cut).toHaveLength(1);
  });

  it('after its answer is not listened to for long', async () => {
    await using server = await open((request, response) => {
      request.resume();
      response.end('no');
    });
    server.client.write(head);
    while (!server.answer().includes('200')) await turns(1);
    const closed = once(server.client, 'close');
    await jest.advanceTimersByTimeAsync(31_000);
    await closed;
  });

  it('in time is nobody’s business any more', async () => {
    await using server = await open((request, response) => {
      request.resume().on('end', () => response.end('yes'));
    });
    server.client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok');
    while (!server.answer().includes('200')) await turns(1);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(server.client.destroyed).toBe(false);
  });
});
