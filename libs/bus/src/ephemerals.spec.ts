import { describe, expect, it } from '@jest/globals';
import { newId, type AccountId, type Ephemeral, type WorkspaceId } from '#model';
import { TestClock } from '#platform/testing';
import { Ephemerals } from './ephemerals.js';
import { Signals } from './signals.js';
import { NoWire } from './wire.js';

const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
const account = newId<'AccountId'>();

function presence(of: string, state: string, to: AccountId = account): Ephemeral {
  return { type: 'presence', audience: { kind: 'account', account: to }, data: { of, state } };
}

function looking() {
  const clock = new TestClock();
  const signals = new Signals(new NoWire());
  const ephemerals = new Ephemerals(signals, clock);
  const workspace: WorkspaceId = newId();
  const seen: Ephemeral[] = [];
  let missed = 0;
  const leave = ephemerals.subscribe(
    workspace,
    (ephemeral) => seen.push(ephemeral),
    () => missed++,
  );
  return { clock, signals, ephemerals, workspace, seen, missed: () => missed, leave };
}

describe('ephemerals', () => {
  it('reach those who look at the workspace at once, and nobody else', async () => {
    const { ephemerals, workspace, seen } = looking();
    ephemerals.publish(workspace, presence('alice', 'away'), 'alice');
    ephemerals.publish(newId(), presence('bob', 'away'), 'bob');
    await turn();
    expect(seen).toEqual([presence('alice', 'away')]);
  });

  it('about one thing within 50 ms come once, and the latest wins', async () => {
    const { clock, ephemerals, workspace, seen } = looking();
    const elsewhere = newId<'AccountId'>();
    ephemerals.publish(workspace, presence('alice', 'away'), 'alice');
    ephemerals.publish(workspace, presence('alice', 'busy'), 'alice');
    ephemerals.publish(workspace, presence('bob', 'available'), 'bob');
    ephemerals.publish(workspace, presence('alice', 'chatty', elsewhere), 'alice');
    ephemerals.publish(workspace, presence('alice', 'available'), 'alice');
    clock.advance(50);
    await turn();
    expect(seen).toEqual([
      presence('alice', 'away'),
      presence('bob', 'available'),
      presence('alice', 'chatty', elsewhere),
      presence('alice', 'available'),
    ]);
  });

  it('without a key replace nothing, in a burst of any size, and keep their order', async () => {
    const { clock, ephemerals, workspace, seen } = looking();
    const burst = Array.from({ length: 10_000 }, (_, index) =>
      presence(`nick${String(index)}`, 'x'.repeat(100)),
    );
    for (const each of burst) ephemerals.publish(workspace, each);
    clock.advance(50);
    await turn();
    expect(seen).toEqual(burst);
  });

  it('leave nothing behind when all is quiet', async () => {
    const { clock, ephemerals, workspace } = looking();
    ephemerals.publish(workspace, presence('alice', 'away'), 'alice');
    ephemerals.publish(workspace, presence('alice', 'busy'), 'alice');
    clock.advance(1_000);
    await turn();
    expect(clock.waiting).toBe(0);
  });

  it('that may have been lost are told as such', async () => {
    const { signals, workspace, seen, missed } = looking();
    signals.publish(`ephemeral:${workspace}`);
    await turn();
    expect(missed()).toBe(1);
    expect(seen).toEqual([]);
  });

  it('that still wait at the end are said', async () => {
    const { ephemerals, workspace, seen } = looking();
    ephemerals.publish(workspace, presence('alice', 'away'), 'alice');
    ephemerals.publish(workspace, presence('alice', 'offline'), 'alice');
    ephemerals.onModuleDestroy();
    await turn();
    expect(seen.at(-1)).toEqual(presence('alice', 'offline'));
  });

  it('reach nobody who has left', async () => {
    const { ephemerals, workspace, seen, leave } = looking();
    leave();
    ephemerals.publish(workspace, presence('alice', 'away'), 'alice');
    await turn();
    expect(seen).toEqual([]);
  });
});
