import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, TestContext } from '#connector/testing';
import { newId } from '#model';
import { readSettings } from './irc.settings.js';
import { Strictness } from './strictness.js';

const settings = readSettings({ host: 'Irc.Example.org', nick: 'alice', tls: false });
const account = newId<'AccountId'>();
let clock: ManualClock;
let house: TestContext;
beforeEach(() => {
  clock = new ManualClock();
  house = new TestContext({ clock });
});

/** As a session that begins anew has it. */
async function afresh(to = settings): Promise<Strictness> {
  const strictness = new Strictness(house, account, to);
  await strictness.load();
  return strictness;
}
const store = async (keyValues: ReturnType<Strictness['binds']>): Promise<void> => {
  await house.emit({ events: [], keyValues });
};

describe('strict transport security', () => {
  it('sends whoever came in clear to the TLS port, and for good', async () => {
    const strictness = await afresh();
    expect(strictness.applied(settings)).toMatchObject({ tls: false, port: 6667 });
    expect(strictness.upgrades('duration=10,port=6697,unknown=x')).toBe(true);
    expect(strictness.applied(settings)).toMatchObject({ tls: true, port: 6697 });
    // Nothing was proved yet: a later session may come in clear again.
    expect((await afresh()).applied(settings).tls).toBe(false);
  });

  it.each([
    '',
    'port',
    'port=',
    'port=0',
    'port=65536',
    'port=6697x',
    'port=1,port=2',
    'duration=100',
    'port=-1',
  ])('is not what makes no sense: %j', async (value) => {
    expect((await afresh()).upgrades(value)).toBe(false);
  });

  it('binds to TLS at the port that was used, until the time is over, also after a restart', async () => {
    await store((await afresh()).binds('duration=60,port=1', 7000));
    expect((await afresh()).applied(settings)).toMatchObject({ tls: true, port: 7000 });
    clock.advance(59_000);
    expect((await afresh()).applied(settings).tls).toBe(true);
    clock.advance(2_000);
    expect((await afresh()).applied(settings).tls).toBe(false);
  });

  it('counts its time from the end of the connection', async () => {
    const strictness = await afresh();
    await store(strictness.binds('duration=60', 6697));
    clock.advance(50_000);
    await store(strictness.renewed());
    clock.advance(50_000);
    expect((await afresh()).applied(settings).tls).toBe(true);
  });

  it('ends with a duration of 0, and holds for its own host only', async () => {
    const strictness = await afresh();
    await store(strictness.binds('duration=600', 6697));
    const elsewhere = { ...settings, host: 'irc.example.net' };
    expect((await afresh(elsewhere)).applied(elsewhere).tls).toBe(false);
    await store(strictness.binds('duration=0', 6697));
    expect((await afresh()).applied(settings).tls).toBe(false);
    expect(strictness.renewed()).toEqual([]);
  });

  it('leaves alone what is strict already', async () => {
    const strict = readSettings({ host: 'irc.example.org', nick: 'alice', port: 9999 });
    const strictness = await afresh(strict);
    await store(strictness.binds('duration=600', 6697));
    expect((await afresh(strict)).applied(strict)).toBe(strict);
  });
});
