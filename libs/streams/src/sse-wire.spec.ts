import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { SseWire } from './sse-wire.js';

describe('a stream of server-sent events', () => {
  let server: Server;
  let peer: IncomingMessage;
  let wire: SseWire;
  let heard: string;

  beforeEach(async () => {
    server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const sent = request({ port, host: '127.0.0.1', agent: false });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.end();
    wire = new SseWire((await asked)[1], { 'set-cookie': 'parley_session=renewed' });
    [peer] = await answered;
    heard = '';
    peer.setEncoding('utf8');
    peer.on('error', () => undefined);
  });
  afterEach(async () => {
    peer.destroy();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const listen = (): void => {
    peer.on('data', (text: string) => {
      heard += text;
    });
  };

  it('takes along the headers that it is given', () => {
    expect(peer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'set-cookie': ['parley_session=renewed'],
    });
  });

  it('writes each thing as a block that a browser understands', async () => {
    listen();
    wire.event('a1', Buffer.from('{"cursor":"a1","text":"é"}'));
    wire.heartbeat('a2');
    wire.ephemeral('{"type":"missed"}');
    wire.reset('access');
    wire.close(1000, 'reset: access');
    await once(peer, 'end');
    expect(heard.split('\n\n')).toEqual([
      'retry: 2000',
      'id: a1\ndata: {"cursor":"a1","text":"é"}',
      ': heartbeat\nid: a2',
      'event: ephemeral\ndata: {"type":"missed"}',
      'event: reset\ndata: {"reason":"access"}',
      'event: close\ndata: {"code":1000,"reason":"reset: access"}',
      '',
    ]);
  });

  it('knows what a peer that does not read leaves lying, and when it has taken it', async () => {
    await eventually('something stays lying', () => {
      wire.event('a1', Buffer.alloc(64 * 1024, 'x'));
      return wire.lying > 256 * 1024;
    });
    let drained = false;
    const draining = wire.drained().then(() => {
      drained = true;
    });
    await new Promise((done) => setImmediate(done));
    expect(drained).toBe(false);
    listen();
    await draining;
    expect(wire.lying).toBeLessThan(64 * 1024);
  });

  it('keeps nobody waiting for a peer that is gone', async () => {
    let gone = 0;
    wire.onGone(() => gone++);
    await eventually('something stays lying', () => {
      wire.event('a1', Buffer.alloc(64 * 1024, 'x'));
      return wire.lying > 256 * 1024;
    });
    const draining = wire.drained();
    peer.destroy();
    await draining;
    await eventually('it is known', () => gone === 1);
    wire.onGone(() => gone++);
    expect(gone).toBe(2);
    // Nothing that is said afterwards does any harm.
    wire.event('a1', Buffer.from('{}'));
    wire.heartbeat('a1');
    wire.close(1000, 'bye');
    wire.cut();
    await wire.drained();
  });

  it('lets go of a peer that does not hear', async () => {
    wire.cut();
    listen();
    await eventually('the connection is over', () => peer.closed);
    expect(wire.checkAlive()).toBe(true);
  });
});
