import { describe, expect, it } from '@jest/globals';
import { responseOf, type SipResponse } from '../message.js';
import { ManualClock } from '../stack.fixture.js';
import { usualTimers } from '../timers.js';
import { ClientTransaction } from './client.js';
import { InviteClientTransaction } from './client-invite.js';
import { Finished } from './finished.js';
import { ServerTransaction } from './server.js';
import { InviteServerTransaction } from './server-invite.js';

const response = (status: number): SipResponse => responseOf(status, '', {});

/** What happens, and when: `2000 send`. */
function journal(): { clock: ManualClock; seen: string[]; note: (what: string) => () => void } {
  const clock = new ManualClock();
  const seen: string[] = [];
  return {
    clock,
    seen,
    note: (what) => () => {
      seen.push(`${String(clock.monotonic())} ${what}`);
    },
  };
}

describe('a client transaction', () => {
  function made(isReliable: boolean): ReturnType<typeof journal> & { transaction: ClientTransaction } {
    const book = journal();
    const { clock, note } = book;
    const transaction = new ClientTransaction(
      { clock, timers: usualTimers, isReliable },
      {
        send: note('send'),
        response: ({ status }) => {
          note(String(status))();
        },
        timeout: note('timeout'),
      },
    );
    transaction.start();
    return { ...book, transaction };
  }

  it('sends again after T1, 2 T1, 4 T1 and then each T2 (timer E), and gives up after 64 T1 (timer F)', () => {
    const { clock, seen } = made(false);
    clock.advance(100_000);
    const sent = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    expect(seen).toEqual([...sent.map((at) => `${String(at)} send`), '32000 timeout']);
    expect(clock.count).toBe(0);
  });

  it('sends nothing twice over a reliable transport', () => {
    const { clock, seen } = made(true);
    clock.advance(100_000);
    expect(seen).toEqual(['0 send', '32000 timeout']);
  });

  it('sends each T2 once a provisional response is there', () => {
    const { clock, seen, transaction } = made(false);
    clock.advance(600);
    transaction.receive(response(100));
    clock.advance(9_400);
    expect(seen).toEqual(['0 send', '500 send', '600 100', '1500 send', '5500 send', '9500 send']);
  });

  it('is over with a final response, and tells of no second one', () => {
    const { clock, seen, transaction } = made(false);
    transaction.receive(response(200));
    transaction.receive(response(200));
    clock.advance(100_000);
    expect(seen).toEqual(['0 send', '0 200']);
  });
});

describe('a client transaction of INVITE', () => {
  function made(isReliable: boolean): ReturnType<typeof journal> & { transaction: InviteClientTransaction } {
    const book = journal();
    const { clock, note } = book;
    const told = (what: string) => (one: SipResponse) => {
      note(`${what} ${String(one.status)}`)();
    };
    const transaction = new InviteClientTransaction(
      { clock, timers: usualTimers, isReliable },
      {
        send: note('send'),
        acknowledge: told('ack'),
        provisional: told('provisional'),
        final: told('final'),
        timeout: note('timeout'),
        over: note('over'),
      },
    );
    transaction.start();
    return { ...book, transaction };
  }

  it('sends again after pauses that double without end (timer A), and gives up after 64 T1 (timer B)', () => {
    const { clock, seen } = made(false);
    clock.advance(100_000);
    const sent = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500];
    expect(seen).toEqual([...sent.map((at) => `${String(at)} send`), '32000 timeout', '32000 over']);
    expect(clock.count).toBe(0);
  });

  it('rings as long as the other side lets it', () => {
    const { clock, seen, transaction } = made(false);
    transaction.receive(response(180));
    clock.advance(600_000);
    expect(seen).toEqual(['0 send', '0 provisional 180']);
  });

  it('acknowledges a refusal, and each retransmission of it until timer D ends', () => {
    const { clock, seen, transaction } = made(false);
    transaction.receive(response(486));
    clock.advance(10_000);
    transaction.receive(response(486));
    clock.advance(22_000);
    transaction.receive(response(486));
    expect(seen).toEqual(['0 send', '0 ack 486', '0 final 486', '10000 ack 486', '32000 over']);
  });

  it('is over with a refusal where nothing is sent twice', () => {
    const { seen, transaction } = made(true);
    transaction.receive(response(486));
    expect(seen).toEqual(['0 send', '0 ack 486', '0 final 486', '0 over']);
  });

  it('tells of each 2xx, whoever of the forks it is from, until timer M ends (RFC 6026)', () => {
    const { clock, seen, transaction } = made(true);
    transaction.receive(response(200));
    transaction.receive(response(486));
    clock.advance(31_000);
    transaction.receive(response(200));
    clock.advance(1_000);
    transaction.receive(response(200));
    expect(seen).toEqual(['0 send', '0 final 200', '31000 final 200', '32000 over']);
  });

  it('waits 64 T1 for the answer to what was cancelled', () => {
    const { clock, seen, transaction } = made(false);
    transaction.receive(response(180));
    transaction.cancelled();
    clock.advance(100_000);
    expect(seen.slice(1)).toEqual(['0 provisional 180', '32000 timeout', '32000 over']);
  });
});

describe('a server transaction', () => {
  function made(): ReturnType<typeof journal> & { transaction: ServerTransaction } {
    const book = journal();
    const { clock, note } = book;
    const transaction = new ServerTransaction(
      { clock, timers: usualTimers, isReliable: false },
      {
        send: (bytes) => {
          note(`send ${bytes.toString()}`)();
        },
        trying: () => Buffer.from('100'),
        over: (last) => {
          note(`over ${last?.toString() ?? 'without response'}`)();
        },
      },
    );
    return { ...book, transaction };
  }

  it('answers once, and hands its response over to be held', () => {
    const { clock, seen, transaction } = made();
    transaction.retransmitted();
    transaction.respond(Buffer.from('200'));
    transaction.respond(Buffer.from('500'));
    clock.advance(100_000);
    expect(seen).toEqual(['0 send 200', '0 over 200']);
    expect(clock.count).toBe(0);
  });

  it('sends 100 when timer E of the client reaches T2, not before, and again for each retransmission (RFC 4320)', () => {
    const { clock, seen, transaction } = made();
    clock.advance(3_499);
    transaction.retransmitted();
    expect(seen).toEqual([]);
    clock.advance(1);
    transaction.retransmitted();
    expect(seen).toEqual(['3500 send 100', '3500 send 100']);
  });

  it('sends nothing when the client no longer waits (RFC 4320)', () => {
    const { clock, seen, transaction } = made();
    clock.advance(32_000);
    transaction.respond(Buffer.from('200'));
    expect(transaction.isOver).toBe(true);
    expect(seen).toEqual(['3500 send 100', '32000 over without response']);
  });
});

describe('a server transaction of INVITE', () => {
  function made(isReliable: boolean): ReturnType<typeof journal> & { transaction: InviteServerTransaction } {
    const book = journal();
    const { clock, note } = book;
    const transaction = new InviteServerTransaction(
      { clock, timers: usualTimers, isReliable },
      {
        send: (bytes) => {
          note(`send ${bytes.toString()}`)();
        },
        trying: () => Buffer.from('100'),
        unacknowledged: note('unacknowledged'),
        over: note('over'),
      },
    );
    return { ...book, transaction };
  }
  const give = (transaction: InviteServerTransaction, status: number): void => {
    transaction.respond(Buffer.from(String(status)), status);
  };

  it('says 100 when the user was silent for 200 ms, and not when it was not', () => {
    const silent = made(false);
    silent.clock.advance(1_000);
    expect(silent.seen).toEqual(['200 send 100']);
    const quick = made(false);
    give(quick.transaction, 180);
    quick.clock.advance(1_000);
    expect(quick.seen).toEqual(['0 send 180']);
  });

  it('says again what it said last, whenever the INVITE comes again and each minute', () => {
    const { clock, seen, transaction } = made(false);
    give(transaction, 180);
    clock.advance(500);
    transaction.retransmitted();
    clock.advance(60_000);
    expect(seen).toEqual(['0 send 180', '500 send 180', '60000 send 180']);
  });

  it('sends a refusal again until the ACK (timer G)', () => {
    const { clock, seen, transaction } = made(false);
    give(transaction, 486);
    clock.advance(4_000);
    expect(transaction.acknowledged()).toBe(false);
    clock.advance(100_000);
    expect(seen).toEqual(['0 send 486', '500 send 486', '1500 send 486', '3500 send 486', '4000 over']);
  });

  it('gives up on an ACK after 64 T1 (timer H)', () => {
    const { clock, seen, transaction } = made(true);
    give(transaction, 486);
    clock.advance(100_000);
    expect(seen).toEqual(['0 send 486', '32000 over']);
  });

  it.each([true, false])('sends a 2xx again until the ACK, reliable or not (%s)', (isReliable) => {
    const { clock, seen, transaction } = made(isReliable);
    give(transaction, 200);
    clock.advance(600);
    transaction.retransmitted();
    expect(transaction.acknowledged()).toBe(true);
    expect(transaction.acknowledged()).toBe(false);
    clock.advance(100_000);
    expect(seen).toEqual(['0 send 200', '500 send 200', '32000 over']);
  });

  it('tells that a 2xx was never acknowledged (timer L)', () => {
    const { clock, seen, transaction } = made(true);
    give(transaction, 200);
    clock.advance(100_000);
    expect(seen.slice(-2)).toEqual(['32000 unacknowledged', '32000 over']);
    // 0, 500, 1500, 3500, and each 4 s.
    expect(seen).toHaveLength(11 + 2);
  });
});

describe('finished transactions', () => {
  it('answer again while they are held, and no longer', () => {
    const clock = new ManualClock();
    const finished = new Finished(clock, 32_000, 1_000_000);
    const sent: string[] = [];
    finished.add('a', Buffer.from('200'), (bytes) => sent.push(bytes.toString()));
    finished.add('b');
    clock.advance(31_000);
    expect([finished.repeat('a'), finished.repeat('b'), finished.repeat('c')]).toEqual([true, true, false]);
    expect(sent).toEqual(['200']);
    clock.advance(3_000);
    expect([finished.repeat('a'), finished.count, clock.count]).toEqual([false, 0, 0]);
  });

  it('are no more than fit: the oldest go first', () => {
    const finished = new Finished(new ManualClock(), 32_000, 10_000);
    for (let index = 0; index < 100; index++)
      finished.add(`key ${String(index)}`, Buffer.alloc(800), () => undefined);
    expect(finished.count).toBeLessThan(10);
    expect([finished.has('key 0'), finished.has('key 99')]).toEqual([false, true]);
  });
});
