import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { inTime } from './clock.js';
import { encode } from './encode.js';
import { RequestFailed } from './endings.js';
import { Unencodable, type MalformedPdu } from './errors.js';
import type { Reply, SessionOptions } from './options.js';
import type { Pdu } from './pdu.js';
import { connection, ManualClock, RawPeer, until } from './session.fixture.js';
import { Session } from './session.js';
import { statuses } from './statuses.js';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

async function start(options: SessionOptions = {}): Promise<{ session: Session; peer: RawPeer }> {
  const [here, there] = await connection();
  const peer = new RawPeer(there);
  const session = new Session(here, options);
  opened.push(() => {
    session.close();
    there.destroy();
  });
  return { session, peer };
}

const submit = { command: 'submit_sm', shortMessage: Buffer.from('hello') } as const;

/** What becomes of a request, as one word. */
async function fateOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'answered';
  } catch (error) {
    if (error instanceof RequestFailed) return `${error.fate} ${error.reason}`;
    throw error;
  }
}

describe('a request', () => {
  it('comes to its answer, whatever the order and the status', async () => {
    const { session, peer } = await start();
    const [first, second, third] = [
      session.request(submit),
      session.request(submit),
      session.request(submit),
    ];
    await peer.next('submit_sm', 3);
    peer.say(
      { command: 'submit_sm_resp', sequence: 3, status: statuses.ESME_RTHROTTLED },
      { command: 'submit_sm_resp', sequence: 1, messageId: 'a' },
      { command: 'generic_nack', sequence: 2, status: statuses.ESME_RINVCMDID },
    );
    expect(await first).toMatchObject({ status: 0, messageId: 'a' });
    expect(await second).toMatchObject({ command: 'generic_nack', status: 3 });
    expect(await third).toMatchObject({ status: 0x58 });
    expect(session.pending).toBe(0);
  });

  it('waits for room in the window, and leaves in its turn', async () => {
    const { session, peer } = await start({ window: 3 });
    const answers = Array.from({ length: 7 }, (_, i) =>
      session.request({ ...submit, shortMessage: Buffer.of(i) }),
    );
    expect(session.pending).toBe(3);
    expect(session.room).toBe(-4);
    let most = 0;
    peer.answers('submit_sm', ({ sequence, shortMessage }) => {
      most = Math.max(most, session.pending);
      return { command: 'submit_sm_resp', sequence, messageId: String(shortMessage[0]) };
    });
    const ids = (await Promise.all(answers)).map((answer) => 'messageId' in answer && answer.messageId);
    expect(ids).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(most).toBeLessThanOrEqual(3);
    expect(session.room).toBe(3);
  });

  it('may be made as soon as there is room', async () => {
    const { session, peer } = await start({ window: 2 });
    await session.whenRoom();
    const both = [session.request(submit), session.request(submit)];
    let free = false;
    const room = session.whenRoom().then(() => {
      free = true;
    });
    await peer.next('submit_sm', 2);
    expect(free).toBe(false);
    peer.say({ command: 'submit_sm_resp', sequence: 1, messageId: 'a' });
    await room;
    expect(session.room).toBe(1);
    peer.say({ command: 'submit_sm_resp', sequence: 2, messageId: 'b' });
    await Promise.all(both);
  });

  it('that is never answered fails as having left, and its late answer is told', async () => {
    const clock = new ManualClock();
    const strays: Pdu[] = [];
    const { session, peer } = await start({ clock, responseMs: 1_000, onStray: (pdu) => strays.push(pdu) });
    const request = session.request(submit);
    await peer.next('submit_sm');
    clock.advance(999);
    expect(session.pending).toBe(1);
    clock.advance(1);
    await expect(request).rejects.toMatchObject({ fate: 'left', reason: 'timeout', sequence: 1 });
    peer.say({ command: 'submit_sm_resp', sequence: 1, messageId: 'late' });
    await until(() => strays.length === 1);
    expect(strays[0]).toMatchObject({ sequence: 1, messageId: 'late' });
    expect(session.isOpen).toBe(true);
  });

  it('each has a timer of its own', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, responseMs: 1_000 });
    const first = session.request(submit);
    clock.advance(600);
    const second = session.request(submit);
    await peer.next('submit_sm', 2);
    clock.advance(400);
    expect(await fateOf(first)).toBe('left timeout');
    peer.say({ command: 'submit_sm_resp', sequence: 2, messageId: 'b' });
    expect(await fateOf(second)).toBe('answered');
  });

  it('is not late while nothing is read', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, responseMs: 1_000 });
    const request = session.request(submit);
    await peer.next('submit_sm');
    session.pause();
    peer.say({ command: 'submit_sm_resp', sequence: 1, messageId: 'a' });
    clock.advance(60_000);
    session.resume();
    expect(await fateOf(request)).toBe('answered');
  });

  it('is settled when the link drops: what had left as left, what waited as not left', async () => {
    const { session, peer } = await start({ window: 2 });
    const requests = Array.from({ length: 4 }, () => fateOf(session.request(submit)));
    await peer.next('submit_sm', 2);
    peer.socket.destroy();
    expect(await Promise.all(requests)).toEqual([
      'left ended',
      'left ended',
      'not-left ended',
      'not-left ended',
    ]);
    expect(await session.closed).toMatchObject({ reason: 'ended-by-peer' });
    await expect(session.request(submit)).rejects.toMatchObject({
      fate: 'not-left',
      end: { reason: 'ended-by-peer' },
    });
    await session.whenRoom();
  });

  it('is settled when the link is reset', async () => {
    const { session, peer } = await start();
    const request = fateOf(session.request(submit));
    await peer.next('submit_sm');
    peer.socket.resetAndDestroy();
    expect(await request).toBe('left ended');
    expect(await session.closed).toMatchObject({ reason: 'network', cause: { code: 'ECONNRESET' } });
  });

  it('whose answer came before the link dropped is answered', async () => {
    const { session, peer } = await start({ window: 100 });
    const requests = Array.from({ length: 50 }, () => fateOf(session.request(submit)));
    await peer.next('submit_sm', 50);
    for (let sequence = 1; sequence <= 50; sequence++) {
      peer.say({ command: 'submit_sm_resp', sequence, messageId: 'a' });
    }
    peer.socket.end();
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['answered']));
  });

  it('may be taken back until it has left', async () => {
    const { session, peer } = await start({ window: 1 });
    const gone = new AbortController();
    const left = session.request(submit, { signal: gone.signal });
    const waits = fateOf(session.request(submit, { signal: gone.signal }));
    const last = session.request(submit);
    expect(session.room).toBe(-2);
    gone.abort();
    expect(session.room).toBe(-1);
    expect(await waits).toBe('not-left aborted');
    expect(await fateOf(session.request(submit, { signal: gone.signal }))).toBe('not-left aborted');
    peer.answers('submit_sm', ({ sequence }) => ({ command: 'submit_sm_resp', sequence, messageId: 'a' }));
    peer.say({ command: 'submit_sm_resp', sequence: 1, messageId: 'a' });
    await Promise.all([left, last]);
    expect(peer.heard).toHaveLength(2);
  });

  it('that cannot be written fails, and the next one goes', async () => {
    const { session, peer } = await start({ window: 1 });
    await expect(session.request({ command: 'submit_sm', serviceType: 'too long' })).rejects.toBeInstanceOf(
      Unencodable,
    );
    void session.request(submit).catch(() => undefined);
    expect(await peer.next('submit_sm')).toMatchObject([{ sequence: 2 }]);
  });

  it('is not answered by an answer of another kind', async () => {
    const strays: Pdu[] = [];
    const { session, peer } = await start({ onStray: (pdu) => strays.push(pdu) });
    const request = session.request(submit);
    await peer.next('submit_sm');
    peer.say(
      { command: 'deliver_sm_resp', sequence: 1 },
      { command: 'submit_sm_resp', sequence: 99, messageId: 'x' },
      { command: 'submit_sm_resp', sequence: 1, messageId: 'a' },
    );
    expect(await request).toMatchObject({ messageId: 'a' });
    expect(strays.map(({ command }) => command)).toEqual(['deliver_sm_resp', 'submit_sm_resp']);
  });

  it('whose answer is malformed fails as having left', async () => {
    const faults: MalformedPdu[] = [];
    const { session, peer } = await start({ onFault: (fault) => faults.push(fault) });
    const request = session.request(submit);
    await peer.next('submit_sm');
    peer.socket.write(Buffer.from('0000001180000004000000000000000141', 'hex'));
    await expect(request).rejects.toMatchObject({ fate: 'left', reason: 'unreadable' });
    expect(faults).toMatchObject([{ field: 'message_id' }]);
    expect(session.isOpen).toBe(true);
  });

  it('is numbered from 1 to 0x7fffffff and round again', async () => {
    const { session, peer } = await start({ window: 1, firstSequence: 0x7fff_fffe });
    peer.answers('submit_sm', ({ sequence }) => ({ command: 'submit_sm_resp', sequence, messageId: 'a' }));
    for (let i = 0; i < 4; i++) await session.request(submit);
    expect(peer.heard.map(({ sequence }) => sequence)).toEqual([0x7fff_fffe, 0x7fff_ffff, 1, 2]);
  });
});

describe('what is written', () => {
  it('goes at once, and what is written in one turn as one piece', async () => {
    const [here, there] = await connection();
    const peer = new RawPeer(there);
    const noDelay = jest.spyOn(here, 'setNoDelay');
    const write = jest.spyOn(here, 'write');
    const session = new Session(here, { window: 100 });
    opened.push(() => {
      session.close();
      there.destroy();
    });
    expect(noDelay).toHaveBeenCalledWith(true);
    for (let i = 0; i < 100; i++) session.request(submit).catch(() => undefined);
    await peer.next('submit_sm', 100);
    expect(write).toHaveBeenCalledTimes(1);
  });

  it('is not held for a peer that reads nothing', async () => {
    const [here, there] = await connection();
    there.pause();
    const session = new Session(here, { window: 10_000 });
    opened.push(() => {
      session.close();
      there.destroy();
    });
    const payload = { command: 'data_sm', tlvs: { messagePayload: Buffer.alloc(10_000) } } as const;
    const fates = Array.from({ length: 5_000 }, () => fateOf(session.request(payload)));
    let before = -1;
    await until(() => {
      const settled = session.pending === before;
      before = session.pending;
      return settled && session.room === 0;
    });
    expect(session.pending).toBeLessThan(3_000);
    expect(here.writableLength).toBeLessThan(400_000);
    session.close();
    const all = await Promise.all(fates);
    expect(all.filter((fate) => fate === 'not-left ended').length).toBe(5_000 - before);
  });
});

describe('a request of the other side', () => {
  const deliver = { command: 'deliver_sm', shortMessage: Buffer.from('hi') } as const;

  it('is answered when, and not before, its handler is done', async () => {
    const waiting: ((reply: Reply | undefined) => void)[] = [];
    const { peer } = await start({
      onRequest: () => new Promise<Reply | undefined>((resolve) => waiting.push(resolve)),
    });
    peer.say(
      { ...deliver, sequence: 5 },
      { ...deliver, sequence: 6 },
      { command: 'enquire_link', sequence: 7 },
    );
    await peer.next('enquire_link_resp');
    expect(peer.heard).toHaveLength(1);
    waiting[1]?.({ status: statuses.ESME_RMSGQFUL });
    waiting[0]?.(undefined);
    expect(await peer.next('deliver_sm_resp', 2)).toMatchObject([
      { sequence: 6, status: 0x14 },
      { sequence: 5, status: 0, messageId: '' },
    ]);
  });

  it('may be answered in time though the work is not done', async () => {
    const { peer } = await start({
      onRequest: () =>
        inTime<Reply>(new Promise(() => undefined), 5, () => ({ status: statuses.ESME_RX_T_APPN })),
    });
    peer.say({ ...deliver, sequence: 5 });
    expect(await peer.next('deliver_sm_resp')).toMatchObject([{ sequence: 5, status: 0x64 }]);
  });

  it.each<[string, SessionOptions['onRequest'], number]>([
    ['rejects', () => Promise.reject(new Error('no room')), statuses.ESME_RX_T_APPN],
    [
      'throws',
      () => {
        throw new Error('no room');
      },
      statuses.ESME_RX_T_APPN,
    ],
    ['says what cannot be written', () => ({ messageId: 'x'.repeat(99) }), statuses.ESME_RX_T_APPN],
    ['is missing', undefined, statuses.ESME_RINVCMDID],
  ])('is answered though its handler %s', async (_how, onRequest, status) => {
    const { session, peer } = await start(onRequest === undefined ? {} : { onRequest });
    peer.say({ ...deliver, sequence: 5 });
    expect(await peer.next('deliver_sm_resp')).toMatchObject([{ sequence: 5, status }]);
    expect(session.isOpen).toBe(true);
  });

  it('is not read while too many are unanswered', async () => {
    const waiting: (() => void)[] = [];
    const { peer } = await start({
      incomingLimit: 10,
      onRequest: () =>
        new Promise<undefined>((resolve) => {
          waiting.push(() => {
            resolve(undefined);
          });
        }),
    });
    for (let sequence = 1; sequence <= 500; sequence++) peer.say({ ...deliver, sequence });
    await until(() => waiting.length === 10);
    let served = 0;
    while (served < 500) {
      await until(() => waiting.length > 0);
      expect(waiting.length).toBeLessThanOrEqual(10);
      served += waiting.length;
      for (const done of waiting.splice(0)) done();
      await peer.next('deliver_sm_resp', served);
    }
    const numbers = peer.heard.map(({ sequence }) => sequence);
    expect(new Set(numbers).size).toBe(500);
  });

  it('is not read while reading is paused', async () => {
    const served: number[] = [];
    const { session, peer } = await start({
      onRequest: ({ sequence }) => {
        served.push(sequence);
        if (sequence === 2) session.pause();
        return undefined;
      },
    });
    peer.say(...[1, 2, 3, 4].map((sequence) => ({ ...deliver, sequence })));
    await peer.next('deliver_sm_resp', 2);
    expect(served).toEqual([1, 2]);
    session.resume();
    await peer.next('deliver_sm_resp', 4);
    expect(served).toEqual([1, 2, 3, 4]);
  });

  it('that has no answer is told', async () => {
    const notices: string[] = [];
    const { peer } = await start({ onNotice: ({ command }) => notices.push(command) });
    peer.say({ command: 'alert_notification' }, { command: 'outbind' });
    await until(() => notices.length === 2);
    expect(notices).toEqual(['alert_notification', 'outbind']);
    expect(peer.heard).toEqual([]);
  });
});

describe('a link', () => {
  it('that is silent is asked for a sign of life, and lives on with it', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, enquireMs: 1_000, enquireAnswerMs: 200 });
    for (let round = 1; round <= 3; round++) {
      clock.advance(1_000);
      const asked = await peer.next('enquire_link', round);
      peer.say({ command: 'enquire_link_resp', sequence: asked[round - 1]?.sequence ?? 0 });
      peer.say({ command: 'enquire_link', sequence: round });
      await peer.next('enquire_link_resp', round);
    }
    expect(session.isOpen).toBe(true);
  });

  it('that gives no sign of life is dead', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, enquireMs: 1_000, enquireAnswerMs: 200 });
    const request = fateOf(session.request(submit));
    clock.advance(1_000);
    await peer.next('enquire_link');
    clock.advance(299);
    expect(session.isOpen).toBe(true);
    clock.advance(1);
    expect(await session.closed).toEqual({ reason: 'dead' });
    expect(await request).toBe('left ended');
  });

  it('whose sign of life lies unread while this process is held up is not dead', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, enquireMs: 1_000, enquireAnswerMs: 200 });
    clock.advance(1_000);
    const [asked] = await peer.next('enquire_link');
    peer.say({ command: 'enquire_link_resp', sequence: asked?.sequence ?? 0 });
    // The timers see all of the pause before the socket is looked at.
    clock.advance(200);
    peer.say({ command: 'enquire_link', sequence: 8 });
    await peer.next('enquire_link_resp');
    clock.advance(900);
    expect(session.isOpen).toBe(true);
  });

  it('that takes nothing is dead, though it speaks', async () => {
    const clock = new ManualClock();
    const [here, there] = await connection();
    there.pause();
    const session = new Session(here, { clock, window: 10_000, enquireMs: 1_000, enquireAnswerMs: 200 });
    opened.push(() => {
      session.close();
      there.destroy();
    });
    const payload = { command: 'data_sm', tlvs: { messagePayload: Buffer.alloc(60_000) } } as const;
    for (let i = 0; i < 1_000; i++) session.request(payload).catch(() => undefined);
    await until(() => session.room === 0);
    for (let i = 0; i < 20 && session.isOpen; i++) {
      const before = here.bytesRead;
      there.write(encode({ command: 'alert_notification' }));
      await until(() => here.bytesRead > before);
      clock.advance(200);
    }
    expect(await session.closed).toEqual({ reason: 'dead' });
  });

  it('answers a sign of life though the window is full', async () => {
    const { session, peer } = await start({ window: 1 });
    void session.request(submit).catch(() => undefined);
    peer.say({ command: 'enquire_link', sequence: 77 });
    expect(await peer.next('enquire_link_resp')).toMatchObject([{ sequence: 77 }]);
  });

  it('goes on after a PDU that is wrong inside its frame', async () => {
    const { session, peer } = await start();
    peer.socket.write(Buffer.from('000000100000000500000000000000090000001000bada550000000000000008', 'hex'));
    expect(await peer.next('deliver_sm_resp')).toMatchObject([{ sequence: 9, status: 2 }]);
    expect(await peer.next('generic_nack')).toMatchObject([{ sequence: 8, status: 3 }]);
    expect(session.isOpen).toBe(true);
  });

  it('is ended by a length that no PDU has, with a word why', async () => {
    const { session, peer } = await start();
    const request = fateOf(session.request(submit));
    peer.socket.write(Buffer.from('0000000f0000000500000000000000', 'hex'));
    expect(await session.closed).toMatchObject({ reason: 'protocol', cause: { field: 'command_length' } });
    expect(await request).toBe('left ended');
    expect(await peer.next('generic_nack')).toMatchObject([{ status: 2 }]);
  });

  it('of any octets is ended or goes on, and nothing throws', async () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(
        encode({ command: 'deliver_sm', sequence: 1 }),
        encode({ command: 'unbind', sequence: 1 }),
        encode({ command: 'submit_sm_resp', sequence: 1 }),
        Buffer.from('00000010000000040000000000000001', 'hex'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(octets, { maxLength: 6 }), async (parts) => {
        const [here, there] = await connection();
        const session = new Session(here, { onRequest: () => undefined });
        const request = fateOf(session.request(submit));
        there.on('error', () => undefined).resume();
        for (const part of parts) there.write(part);
        there.end();
        await session.closed;
        expect(['answered', 'left ended', 'left unreadable']).toContain(await request);
        there.destroy();
      }),
      { numRuns: 60 },
    );
  });
});

describe('an end in order', () => {
  it('lets what is under way be answered first, both ways', async () => {
    let done: () => void = () => undefined;
    const { session, peer } = await start({
      window: 1,
      onRequest: () =>
        new Promise<undefined>((resolve) => {
          done = () => {
            resolve(undefined);
          };
        }),
    });
    const pending = session.request(submit);
    const waiting = fateOf(session.request(submit));
    peer.say({ command: 'deliver_sm', sequence: 3 }, { command: 'enquire_link', sequence: 4 });
    await peer.next('enquire_link_resp');
    const ended = session.unbind();
    expect(await waiting).toBe('not-left ended');
    expect(session.isOpen).toBe(false);
    peer.say({ command: 'submit_sm_resp', sequence: 1, messageId: 'a' });
    expect(await pending).toMatchObject({ messageId: 'a' });
    expect(peer.heard.some(({ command }) => command === 'unbind')).toBe(false);
    done();
    const [unbind] = await peer.next('unbind');
    expect(peer.heard.map(({ command }) => command)).toEqual([
      'submit_sm',
      'enquire_link_resp',
      'deliver_sm_resp',
      'unbind',
    ]);
    peer.say({ command: 'unbind_resp', sequence: unbind?.sequence ?? 0 });
    await ended;
    expect(await session.closed).toEqual({ reason: 'unbound' });
    await until(() => peer.socket.readableEnded);
  });

  it('does not wait for ever', async () => {
    const clock = new ManualClock();
    const { session, peer } = await start({ clock, responseMs: 1_000 });
    const request = fateOf(session.request(submit));
    const ended = session.unbind();
    clock.advance(1_000);
    await peer.next('unbind');
    clock.advance(1_000);
    await ended;
    expect(await request).toBe('left timeout');
  });

  it('of the other side is answered when what it asked is', async () => {
    let done: () => void = () => undefined;
    const { session, peer } = await start({
      window: 1,
      onRequest: () =>
        new Promise<undefined>((resolve) => {
          done = () => {
            resolve(undefined);
          };
        }),
    });
    const fates = [fateOf(session.request(submit)), fateOf(session.request(submit))];
    await peer.next('submit_sm');
    peer.say({ command: 'deliver_sm', sequence: 3 }, { command: 'unbind', sequence: 4 });
    await until(() => !session.isOpen);
    peer.say({ command: 'deliver_sm', sequence: 5 });
    expect(await peer.next('deliver_sm_resp')).toMatchObject([{ sequence: 5, status: 4 }]);
    done();
    expect(await peer.next('unbind_resp')).toMatchObject([{ sequence: 4 }]);
    expect(await session.closed).toEqual({ reason: 'unbound-by-peer' });
    expect(await Promise.all(fates)).toEqual(['left ended', 'not-left ended']);
    expect(peer.heard.map(({ sequence }) => sequence)).toEqual([1, 5, 3, 4]);
  });
});
