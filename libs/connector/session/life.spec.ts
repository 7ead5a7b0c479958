import { describe, expect, it } from '@jest/globals';
import { ManualClock, TestContext } from '#connector/testing';
import { failure, newId } from '#model';
import { Life, type Entry } from './life.js';

const account = newId<'AccountId'>();
const timings = { firstRetry: 1_000, longestRetry: 8_000, throttled: 5_000, stable: 60_000 };
const away: Entry = { entry: 'none', failure: failure('network-unreachable') };

function living(enter: (signal: AbortSignal) => Promise<Entry>) {
  const clock = new ManualClock();
  const context = new TestContext({ clock });
  const life = new Life(context, account, timings, enter);
  const states = () => context.states.map(({ state }) => state.state);
  const settled = () => new Promise((done) => setImmediate(done));
  return { clock, context, life, states, settled };
}

describe('the life of a session', () => {
  it('tries again after pauses that grow, until it is in', async () => {
    const entries = [away, away, { entry: 'in', localAddress: 'alice' } as const];
    const { clock, context, life, states, settled } = living(() => Promise.resolve(entries.shift() ?? away));
    life.begin();
    await settled();
    clock.advance(1_000);
    await settled();
    clock.advance(2_000);
    await settled();
    expect(states()).toEqual([
      'connecting',
      'backing-off',
      'connecting',
      'backing-off',
      'connecting',
      'online',
    ]);
    expect(context.backoffs[1]).toBeGreaterThan(context.backoffs[0] ?? 0);
  });

  it('leaves the network alone for as long as that wants', async () => {
    const { clock, states, life, settled } = living(() => Promise.resolve({ ...away, notForMs: 30_000 }));
    life.begin();
    await settled();
    clock.advance(29_999);
    await settled();
    expect(states()).toEqual(['connecting', 'backing-off']);
    clock.advance(1);
    await settled();
    expect(states()).toEqual(['connecting', 'backing-off', 'connecting', 'backing-off']);
  });

  it('waits for a person where trying again would do harm', async () => {
    const entry: Entry = { entry: 'none', failure: failure('auth-failed', 'The password is wrong.') };
    const { clock, context, life, settled } = living(() => Promise.resolve(entry));
    life.begin();
    await settled();
    clock.advance(600_000);
    await settled();
    expect(context.states.map(({ state }) => state)).toEqual([
      { state: 'connecting' },
      { state: 'needs-person', code: 'auth-failed', remedy: 'ask-person', detail: 'The password is wrong.' },
    ]);
  });

  it('comes back by itself when what it was in is over, and is told once', async () => {
    let tries = 0;
    const { clock, life, states, settled } = living(() => {
      tries++;
      return Promise.resolve({ entry: 'in', localAddress: 'alice' });
    });
    life.begin();
    life.begin();
    await settled();
    life.ended(failure('network-unreachable'));
    life.ended(failure('network-unreachable'));
    expect(states()).toEqual(['connecting', 'online', 'backing-off']);
    clock.advance(1_000);
    await settled();
    expect([tries, states().at(-1)]).toEqual([2, 'online']);
  });

  it('gives up what is under way when it is stopped, and says nothing more', async () => {
    let given: AbortSignal | undefined;
    const { clock, life, states, settled } = living((signal) => {
      given = signal;
      return new Promise<Entry>((done) => {
        signal.addEventListener('abort', () => {
          done(away);
        });
      });
    });
    life.begin();
    life.stop();
    await settled();
    clock.advance(600_000);
    expect([given?.aborted, states()]).toEqual([true, ['connecting']]);
  });

  it('takes a try that throws for a failure of ours, and tries again', async () => {
    const { life, context, settled } = living(() => Promise.reject(new Error('the secrets cannot be read')));
    life.begin();
    await settled();
    expect(context.stateOf()).toMatchObject({ state: 'backing-off', code: 'internal' });
  });
});
