import { describe, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, postgresPeer, redisPeer, startRedis } from '#peers';
import { SystemClock } from '#platform';
import { openTestDatabase } from '#platform/testing';
import type { JsonLike } from './json.js';
import { PostgresWire } from './postgres.wire.js';
import { RedisWire } from './redis.wire.js';
import { NoResponder, RequestRefused, Requests, RequestTimeout } from './requests.js';
import { Signals } from './signals.js';
import { NoWire, type Wire } from './wire.js';

/** Two processes that can hear each other; in-process they are one. */
interface Pair extends AsyncDisposable {
  readonly here: Wire;
  readonly there: Wire;
}
/** A pair that can be cut off. */
interface Cuttable extends Pair {
  cut(): Promise<void>;
  mend(): Promise<void>;
}

const clock = new SystemClock();

async function connected(here: Wire, there: Wire): Promise<void> {
  for (const [from, to] of [
    [here, there],
    [there, here],
  ] as const) {
    let heard = false;
    const hangUp = to.listen(
      'hello',
      () => (heard = true),
      () => undefined,
    );
    await eventually('one process hears the other', async () => {
      await from.send('hello', '');
      return heard;
    });
    hangUp();
  }
}

function inProcess(): Promise<Pair> {
  const wire = new NoWire();
  return Promise.resolve({ here: wire, there: wire, [Symbol.asyncDispose]: () => wire.close() });
}

async function overPostgres(): Promise<Cuttable> {
  const test = await openTestDatabase('postgres');
  const here = new PostgresWire(test.database, clock);
  const there = new PostgresWire(test.database, clock);
  await connected(here, there);
  return {
    here,
    there,
    async cut() {
      const ended = await test.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'parley signals' AND datname = current_database()`,
      );
      expect(ended).toHaveLength(2);
    },
    // It mends itself.
    mend: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      await here.close();
      await there.close();
      await test[Symbol.asyncDispose]();
    },
  };
}

async function overRedis(): Promise<Cuttable> {
  const redis = await startRedis();
  const here = new RedisWire(redis.url);
  const there = new RedisWire(redis.url);
  await connected(here, there);
  return {
    here,
    there,
    cut: () => redis.kill(),
    mend: () => redis.start(),
    async [Symbol.asyncDispose]() {
      await here.close();
      await there.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

function describeWires(
  name: string,
  suite: (open: () => Promise<Pair>, wire: 'none' | 'postgres' | 'redis') => void,
) {
  describe(`${name} within one process`, () => {
    suite(inProcess, 'none');
  });
  describeWithPeers(`${name} over PostgreSQL`, [postgresPeer], () => {
    suite(overPostgres, 'postgres');
  });
  describeWithPeers(`${name} over Redis`, [redisPeer], () => {
    suite(overRedis, 'redis');
  });
}

/** What a subscriber heard, without the hints that a wire gives when it begins to listen. */
function listening(signals: Signals, channel: string) {
  const heard: (JsonLike | undefined)[] = [];
  const leave = signals.subscribe(channel, (payload) => heard.push(payload));
  return { heard, leave, payloads: () => heard.filter((payload) => payload !== undefined) };
}

describeWires('signals', (open, wire) => {
  const both = (pair: Pair) => {
    const here = new Signals(pair.here);
    const there = pair.here === pair.there ? here : new Signals(pair.there);
    /** Subscribes in the other process, and waits until it hears this one. */
    const listenThere = async (channel: string) => {
      const listener = listening(there, channel);
      await eventually('the subscription stands', () => {
        here.publish(channel, 'are you there');
        return listener.heard.includes('are you there');
      });
      await eventually('all of those have come', () => {
        const last = `ready ${String(Math.random())}`;
        here.publish(channel, last);
        return eventually('it has come', () => listener.heard.includes(last), 500).catch(() => false);
      });
      listener.heard.length = 0;
      return listener;
    };
    return { here, there, listenThere };
  };

  it('reach who listens, here and there, once each and whole', async () => {
    await using pair = await open();
    const { here, there, listenThere } = both(pair);
    const far = await listenThere('links');
    const near = listening(here, 'links');
    const payload = { link: 'Grüße\n\t"\\ 🎉', list: [1, null, { deep: [true] }], left: undefined };
    here.publish('links', payload);
    here.publish('links', 'last');
    await eventually('the last is heard', () => [near, far].every(({ heard }) => heard.includes('last')));
    const expected = [{ link: payload.link, list: payload.list }, 'last'];
    expect(near.payloads()).toEqual(expected);
    expect(far.payloads()).toEqual(expected);
    there.publish('links', 'back');
    await eventually('the answer is heard', () => [near, far].every(({ heard }) => heard.includes('back')));
    expect(near.payloads()).toHaveLength(3);
  });

  it('reach nobody on another channel, and nobody who has left', async () => {
    await using pair = await open();
    const { here, listenThere } = both(pair);
    const links = await listenThere('links');
    const access = await listenThere('access');
    const gone = await listenThere('access');
    gone.leave();
    access.heard.length = 0;
    here.publish('access', 1);
    here.publish('nothing', 2);
    here.publish('access', 3);
    await eventually('the last is heard', () => access.heard.includes(3));
    expect(access.payloads()).toEqual([1, 3]);
    expect(links.heard).toEqual([]);
    expect(gone.heard).toEqual([]);
  });

  it('of one process come in order, however many at once', async () => {
    await using pair = await open();
    const { here, listenThere } = both(pair);
    const { payloads } = await listenThere('links');
    const many = Array.from({ length: 3_000 }, (_, index) => index);
    for (const number of many) here.publish('links', number);
    await eventually('all are heard', () => payloads().length === many.length);
    expect(payloads()).toEqual(many);
  });

  it('without a payload, or with one too long to carry, say only: look', async () => {
    await using pair = await open();
    const { here, listenThere } = both(pair);
    const { heard } = await listenThere('links');
    const long = 'é'.repeat(30_000);
    here.publish('links', long);
    here.publish('links', 'x'.repeat(200_000));
    here.publish('links', 'middle');
    await eventually('the first three are heard', () => heard.includes('middle'));
    here.publish('links');
    here.publish('links', 'last');
    await eventually('the last is heard', () => heard.includes('last'));
    expect(heard).toEqual([long, undefined, 'middle', undefined, 'last']);
  });

  it('are heard after they are said, not during, and a failing listener hurts no other', async () => {
    await using pair = await open();
    const { here, listenThere } = both(pair);
    here.subscribe('links', () => {
      throw new Error('a mistake');
    });
    const near = listening(here, 'links');
    const far = await listenThere('links');
    near.heard.length = 0;
    here.publish('links', 1);
    expect(near.heard).toEqual([]);
    await eventually('both hear', () => near.heard.includes(1) && far.heard.includes(1));
  });

  if (wire === 'none') return;

  it('come back by themselves after the connection was lost, and say then that something may have been missed', async () => {
    await using pair = (await open()) as Cuttable;
    const { here, listenThere } = both(pair);
    const far = await listenThere('links');
    const near = listening(here, 'links');
    await eventually('the subscription stands', () => wire !== 'redis' || near.heard.length > 0);
    near.heard.length = 0;
    await pair.cut();
    here.publish('links', 'nobody may hear this there');
    await pair.mend();
    await eventually('both are told to look', () =>
      [near, far].every(({ heard }) => heard.includes(undefined)),
    );
    await eventually('signals flow again', () => {
      here.publish('links', 'again');
      return far.heard.includes('again');
    });
  });
});

describeWires('requests', (open, wire) => {
  const both = (pair: Pair) => {
    const here = new Requests(pair.here, clock);
    const there = pair.here === pair.there ? here : new Requests(pair.there, clock);
    /** Serves in the other process, and waits until it can be asked from this one. */
    const serveThere = async (address: string, ...[handler]: [Parameters<Requests['serve']>[1]]) => {
      const greeting = 'are you there';
      const end = there.serve(address, (body, signal) =>
        body === greeting ? Promise.resolve('yes') : handler(body, signal),
      );
      await eventually('it can be asked', () =>
        here.ask(address, greeting, 1_000).catch(() => false as const),
      );
      return end;
    };
    return { here, there, serveThere };
  };

  it('are answered by who serves the address, wherever that is', async () => {
    await using pair = await open();
    const { here, there, serveThere } = both(pair);
    await serveThere('link:1', (body) => Promise.resolve({ heard: body }));
    const body = { kind: 'list', text: 'Grüße\n🎉', deep: [1, null] };
    expect(await here.ask('link:1', body, 5_000)).toEqual({ heard: body });
    expect(await there.ask('link:1', body, 5_000)).toEqual({ heard: body });
  });

  it('get each its own answer, many at once', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    await serveThere('link:1', async (body) => {
      await new Promise((later) => setTimeout(later, Math.random() * 20));
      return body;
    });
    const many = Array.from({ length: 500 }, (_, index) => index);
    expect(await Promise.all(many.map((number) => here.ask('link:1', number, 9_000)))).toEqual(many);
  });

  it('fail when nobody serves the address, at once where that can be known', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    const end = await serveThere('link:1', (body) => Promise.resolve(body));
    end();
    await eventually('nobody answers', () =>
      here.ask('link:1', 1, 300).then(
        () => false,
        (error: unknown) => error instanceof NoResponder,
      ),
    );
    const began = performance.now();
    await expect(here.ask('link:2', 1, wire === 'postgres' ? 200 : 60_000)).rejects.toThrow(NoResponder);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('that are taken up and not answered in time are told apart, and the server hears of the end', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    let aborted = false;
    await serveThere(
      'link:1',
      (_, signal) =>
        new Promise((_answer, fail) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            fail(new Error('too late'));
          });
        }),
    );
    await expect(here.ask('link:1', 1, 200)).rejects.toThrow(RequestTimeout);
    await eventually('the server has heard', () => aborted);
  });

  it('are refused with the code and the words of who serves, and other failures keep theirs to themselves', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    await serveThere('link:1', (body) =>
      Promise.reject(
        body === 1 ? new RequestRefused('not-allowed', 'you are no operator') : new Error('secret'),
      ),
    );
    await expect(here.ask('link:1', 1, 5_000)).rejects.toMatchObject({
      name: 'RequestRefused',
      code: 'not-allowed',
      detail: 'you are no operator',
    });
    const failure = await here.ask('link:1', 2, 5_000).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'RequestRefused', code: 'internal' });
    expect(String(failure)).not.toContain('secret');
  });

  it('carry 64 KiB each way and no more', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    await serveThere('link:1', (body) => Promise.resolve(body === 'more' ? 'x'.repeat(65_536) : body));
    const largest = 'é'.repeat((65_536 - 2) / 2);
    expect(await here.ask('link:1', largest, 5_000)).toBe(largest);
    await expect(here.ask('link:1', `${largest}x`, 5_000)).rejects.toMatchObject({ code: 'too-large' });
    await expect(here.ask('link:1', 'more', 5_000)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('go to the latest who serves an address in a process, and ending the earlier changes nothing', async () => {
    await using pair = await open();
    const { here, there, serveThere } = both(pair);
    const end = await serveThere('link:1', () => Promise.resolve('earlier'));
    there.serve('link:1', () => Promise.resolve('later'));
    expect(await here.ask('link:1', 1, 5_000)).toBe('later');
    end();
    expect(await here.ask('link:1', 1, 5_000)).toBe('later');
  });

  it('that wait when the process ends, end', async () => {
    await using pair = await open();
    const { here, serveThere } = both(pair);
    let taken = false;
    await serveThere('link:1', () => {
      taken = true;
      return new Promise(() => undefined);
    });
    const waiting = here.ask('link:1', 1, 60_000).catch((error: unknown) => error);
    await eventually('it is taken up', () => taken);
    here.beforeApplicationShutdown();
    expect(await waiting).toBeInstanceOf(Error);
  });
});
