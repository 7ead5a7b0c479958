import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '#peers';
import { WebSocketWire } from './websocket-wire.js';

describe('a stream over a WebSocket', () => {
  let server: WebSocketServer;
  let peer: WebSocket;
  let wire: WebSocketWire;
  let heard: string[];

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    heard = [];
    peer = new WebSocket(`ws://127.0.0.1:${String(port)}`, { autoPong: false });
    peer.on('message', (data, isBinary) => {
      expect(isBinary).toBe(false);
      heard.push((data as Buffer).toString());
    });
    wire = new WebSocketWire((await connected)[0]);
    await once(peer, 'open');
  });
  afterEach(async () => {
    peer.terminate();
    for (const client of server.clients) client.terminate();
    await new Promise((closed) => {
      server.close(closed);
    });
  });

  it('says everything as text, one JSON per frame', async () => {
    wire.event('a1', Buffer.from('{"cursor":"a1","text":"é"}'));
    wire.heartbeat('a2');
    wire.ephemeral('{"type":"missed"}');
    wire.reset('access');
    await eventually('all is heard', () => heard.length === 4);
    expect(heard).toEqual([
      '{"cursor":"a1","text":"é"}',
      '{"heartbeat":{"cursor":"a2"}}',
      '{"ephemeral":{"type":"missed"}}',
      '{"reset":{"reason":"access"}}',
    ]);
  });

  it('knows what a peer that does not listen leaves lying, and when it has taken it', async () => {
    const frame = Buffer.from(JSON.stringify({ padding: 'x'.repeat(64 * 1024) }));
    peer.pause();
    let sent = 0;
    await eventually('something stays lying', () => {
      wire.event('a1', frame);
      sent++;
      return wire.lying > 256 * 1024;
    });
    let drained = false;
    const draining = wire.drained().then(() => {
      drained = true;
    });
    await new Promise((done) => setImmediate(done));
    expect(drained).toBe(false);
    peer.resume();
    await draining;
    expect(wire.lying).toBe(0);
    await eventually('all is heard', () => heard.length === sent);
  });

  it('keeps nobody waiting for a peer that is gone', async () => {
    let gone = 0;
    wire.onGone(() => gone++);
    peer.pause();
    await eventually('something stays lying', () => {
      wire.event('a1', Buffer.alloc(64 * 1024, 'x'));
      return wire.lying > 256 * 1024;
    });
    const draining = wire.drained();
    wire.cut();
    await draining;
    await eventually('it is known', () => gone === 1);
    wire.onGone(() => gone++);
    expect(gone).toBe(2);
    await wire.drained();
    // Nothing that is said afterwards does any harm.
    wire.heartbeat('a1');
    wire.close(1000, 'bye');
  });

  it('takes a pong or a word for life, and silence for death', async () => {
    expect(wire.checkAlive()).toBe(true);
    await once(peer, 'ping');
    peer.pong();
    await eventually('the pong counts', () => wire.checkAlive());
    peer.send('{}');
    await eventually('the word counts', () => wire.checkAlive());
    expect(wire.checkAlive()).toBe(false);
  });

  it('closes with a code that the peer can read', async () => {
    const closed = once(peer, 'close') as Promise<[number, Buffer]>;
    wire.close(4401, 'not-signed-in');
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([4401, 'not-signed-in']);
  });

  it('survives a peer that breaks the protocol', async () => {
    let gone = false;
    wire.onGone(() => {
      gone = true;
    });
    const { _socket: socket } = peer as unknown as { _socket: { write(bytes: Buffer): void } };
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await eventually('it is gone', () => gone);
  });
});
