import { describe, expect, it } from '@jest/globals';
import type { Admission, InboundContact } from '#connector';
import { writeWatcherInfo, type Watcher, type WatcherInfo } from '#protocols/sip';
import { SipPresence } from './presence.js';
import { Scene, self, type Asked } from './presence.fixture.js';

const watcher = (name: string, status: Watcher['status']): Watcher => ({
  id: name,
  uri: `sip:${name}@example.org`,
  status,
  event: 'subscribe',
});

async function stage(before?: Scene) {
  const scene = new Scene(before);
  const desired = { rooms: [], contacts: [], presence: { presence: 'available' } };
  const presence = new SipPresence(scene.parts, desired, true);
  for (const service of presence.services) service.online?.();
  await scene.settle();
  const subscribe = scene.last('SUBSCRIBE');
  let number = 0;
  const told = async (
    state: WatcherInfo['state'],
    version: number,
    watchers: readonly Watcher[],
    of: Asked = subscribe,
  ) => {
    const body = writeWatcherInfo({
      version,
      state,
      lists: [{ resource: `sip:${self}`, package: 'presence', watchers }],
    });
    const fields = {
      'subscription-state': 'active;expires=3600',
      'content-type': 'application/watcherinfo+xml',
    };
    const { incoming, answered } = scene.notify(of, fields, body.toString(), { number: ++number });
    presence.services
      .find((one) => one.methods.includes('NOTIFY') && one.takes?.(incoming) === true)
      ?.take(incoming);
    await scene.settle();
    return answered.status;
  };
  const contact = (name: string) =>
    scene.house.storage.stored.findLast(
      (event): event is InboundContact =>
        event.type === 'contact' && event.party.address === `${name}@example.org`,
    );
  return { scene, presence, subscribe, told, contact };
}

describe('who asks at the server', () => {
  it('is asked for, and told', async () => {
    const { subscribe, told, contact } = await stage();
    expect(subscribe.request.uri).toBe(`sip:${self}`);
    expect(subscribe.header('event')).toBe('presence.winfo');
    expect(subscribe.header('accept')).toBe('application/watcherinfo+xml');
    await subscribe.answer(200, { expires: '3600' });
    expect(await told('full', 0, [watcher('bob', 'pending'), watcher('carol', 'active')])).toBe(200);
    expect(contact('bob')).toMatchObject({ asks: true, subscription: 'none', listed: false });
    expect(contact('carol')).toMatchObject({ asks: false, subscription: 'from' });
    await told('partial', 1, [watcher('bob', 'active')]);
    expect(contact('bob')).toMatchObject({ asks: false, subscription: 'from' });
    await told('partial', 2, [watcher('carol', 'terminated')]);
    expect(contact('carol')).toMatchObject({ asks: false, subscription: 'none' });
  });

  it('is asked for whole where a word of it is missing', async () => {
    const { scene, subscribe, told, contact } = await stage();
    await subscribe.answer(200, { expires: '3600' });
    await told('full', 0, []);
    await told('partial', 2, [watcher('bob', 'pending')]);
    expect(contact('bob')).toBeUndefined();
    const again = scene.last('SUBSCRIBE');
    expect(again.header('to')).toContain('tag');
    await again.answer(200, { expires: '3600' });
    await told('full', 3, [watcher('bob', 'pending')]);
    expect(contact('bob')?.asks).toBe(true);
  });

  it('asks no more when our person has answered, whatever the server makes of it', async () => {
    const { scene, presence, subscribe, told, contact } = await stage();
    await subscribe.answer(200, { expires: '3600' });
    await told('full', 0, [watcher('bob', 'waiting')]);
    const admission: Admission = { address: 'bob@example.org', answer: 'approve' };
    presence.setAdmissions([admission]);
    await scene.settle();
    expect(contact('bob')).toMatchObject({ asks: false, subscription: 'none' });
  });

  it('is told once, over a restart too, and so is that they have gone', async () => {
    const first = await stage();
    await first.subscribe.answer(200, { expires: '3600' });
    await first.told('full', 0, [watcher('bob', 'pending'), watcher('carol', 'active')]);
    const stored = first.scene.house.storage.stored.length;
    const second = await stage(first.scene);
    await second.subscribe.answer(200, { expires: '3600' });
    await second.told('full', 0, [watcher('carol', 'active')]);
    expect(first.scene.house.storage.stored).toHaveLength(stored + 1);
    expect(second.contact('bob')).toMatchObject({ asks: false, subscription: 'none' });
  });

  it('is told later where it cannot be stored', async () => {
    const { scene, subscribe, told, contact } = await stage();
    await subscribe.answer(200, { expires: '3600' });
    scene.house.storage.failNext({ fault: 'not-stored', retryAfterMs: 60_000 });
    await told('full', 0, [watcher('bob', 'pending')]);
    expect(contact('bob')).toBeUndefined();
    await scene.pass(10_000);
    expect(contact('bob')?.asks).toBe(true);
  });
});
