import { describe, expect, it } from '@jest/globals';
import type { Admission, InboundContact } from '#connector';
import type { AdmissionAnswer } from '#model';
import { requestOf } from '#protocols/sip';
import { SipPresence } from './presence.js';
import { Scene, self, type Answered } from './presence.fixture.js';

const bob = 'bob@example.org';
const admission = (answer: AdmissionAnswer, address = bob): Admission => ({ address, answer });

interface Stage {
  readonly scene: Scene;
  readonly presence: SipPresence;
  /** Somebody asks to see; in the dialog that our answer made where `to` says so. */
  readonly subscribe: (fields?: Readonly<Record<string, string>>) => Promise<Answered>;
  /** What the house was told of somebody last. */
  readonly contact: (address?: string) => InboundContact | undefined;
}

async function stage(admissions: readonly Admission[] = [], before?: Scene): Promise<Stage> {
  const scene = new Scene(before);
  const desired = { rooms: [], contacts: [], admissions, presence: { presence: 'available' } };
  const presence = new SipPresence(scene.parts, desired, false);
  for (const service of presence.services) service.online?.();
  await scene.settle();
  return {
    scene,
    presence,
    subscribe: async (fields = {}) => {
      const { incoming, answered } = scene.incoming(
        requestOf('SUBSCRIBE', 'sip:seat@192.0.2.1', {
          from: `"Bob" <sip:${bob}>;tag=theirs`,
          to: `<sip:${self}>`,
          'call-id': 'c1',
          cseq: '1 SUBSCRIBE',
          contact: `<sip:bob@192.0.2.9>`,
          event: 'presence',
          ...fields,
        }),
      );
      const taker = presence.services.find(
        (one) => one.methods.includes('SUBSCRIBE') && one.takes?.(incoming) !== false,
      );
      if (taker === undefined) incoming.respond(481);
      else taker.take(incoming);
      await scene.settle();
      return answered;
    },
    contact: (address = bob) =>
      scene.house.storage.stored.findLast(
        (event): event is InboundContact => event.type === 'contact' && event.party.address === address,
      ),
  };
}

describe('somebody who asks to see our person', () => {
  it('is refused without a place to be told at', async () => {
    const { scene, subscribe, contact } = await stage();
    const before = scene.asked.length;
    expect((await subscribe({ contact: '' })).status).toBe(400);
    expect(scene.asked).toHaveLength(before);
    expect(contact()).toBeUndefined();
  });

  it('waits, and the house is told; then sees, and is told of changes', async () => {
    const { scene, presence, subscribe, contact } = await stage();
    const answered = await subscribe();
    expect(answered.status).toBe(200);
    expect(answered.header?.('expires')).toBe('3600');
    const pending = scene.last('NOTIFY');
    expect(pending.request.uri).toBe('sip:bob@192.0.2.9');
    expect(pending.header('subscription-state')).toBe('pending;expires=3600');
    expect(pending.request.body).toHaveLength(0);
    await pending.answer(200);
    expect(contact()).toMatchObject({
      party: { address: bob, name: 'Bob' },
      listed: false,
      subscription: 'none',
      asks: true,
    });

    presence.setAdmissions([admission('approve')]);
    await scene.settle();
    const active = scene.last('NOTIFY');
    expect(active.header('subscription-state')).toMatch(/^active;expires=\d+$/);
    expect(active.header('content-type')).toBe('application/pidf+xml');
    expect(active.request.body.toString()).toContain('<basic>open</basic>');
    await active.answer(200);
    expect(contact()).toMatchObject({ subscription: 'from', asks: false });

    await scene.pass(10_000);
    presence.setPresence({ presence: 'busy', note: 'in a meeting' });
    await scene.settle();
    expect(scene.last('NOTIFY').request.body.toString()).toContain('in a meeting');
  });

  it('is told no more often than every five seconds, and then as it is last', async () => {
    const { scene, presence, subscribe } = await stage([admission('approve')]);
    await subscribe();
    await scene.last('NOTIFY').answer(200);
    for (const word of ['away', 'busy', 'away', 'offline'] as const) presence.setPresence({ presence: word });
    await scene.pass(4_900);
    expect(scene.count('NOTIFY')).toBe(1);
    await scene.pass(200);
    expect(scene.count('NOTIFY')).toBe(2);
    expect(scene.last('NOTIFY').request.body.toString()).toContain('closed');
  });

  it('and is refused is told so, and refused at once the next time', async () => {
    const { scene, presence, subscribe, contact } = await stage();
    await subscribe();
    await scene.last('NOTIFY').answer(200);
    presence.setAdmissions([admission('deny')]);
    await scene.settle();
    const rejected = scene.last('NOTIFY');
    expect(rejected.header('subscription-state')).toBe('terminated;reason=rejected');
    expect(rejected.request.body).toHaveLength(0);
    await rejected.answer(200);
    expect(contact()).toMatchObject({ subscription: 'none', asks: false });
    expect((await subscribe({ 'call-id': 'c2' })).status).toBe(403);
  });

  it('goes on seeing as long as they say so, and no longer', async () => {
    const { scene, subscribe, contact } = await stage([admission('approve')]);
    await subscribe({ expires: '600' });
    await scene.last('NOTIFY').answer(200);
    await scene.pass(500_000);
    const inDialog = { to: `<sip:${self}>;tag=ours`, expires: '600' };
    expect((await subscribe({ ...inDialog, cseq: '2 SUBSCRIBE' })).status).toBe(200);
    expect(scene.last('NOTIFY').header('subscription-state')).toBe('active;expires=600');
    await scene.last('NOTIFY').answer(200);
    expect((await subscribe({ ...inDialog, cseq: '1 SUBSCRIBE' })).status).toBe(500);
    await scene.pass(601_000);
    const end = scene.last('NOTIFY');
    expect(end.header('subscription-state')).toBe('terminated;reason=timeout');
    await end.answer(200);
    expect(contact()).toMatchObject({ subscription: 'none', asks: false });
    expect((await subscribe({ ...inDialog, cseq: '3 SUBSCRIBE' })).status).toBe(481);
  });

  it('may stop, and may look once', async () => {
    const { scene, subscribe } = await stage([admission('approve')]);
    expect((await subscribe({ expires: '0' })).status).toBe(200);
    expect(scene.last('NOTIFY').header('subscription-state')).toBe('terminated;reason=timeout');
    expect(scene.last('NOTIFY').request.body.toString()).toContain('open');
    await scene.last('NOTIFY').answer(200);
    await subscribe({ 'call-id': 'c2' });
    await scene.last('NOTIFY').answer(200);
    await subscribe({ 'call-id': 'c2', to: `<sip:${self}>;tag=ours`, cseq: '2 SUBSCRIBE', expires: '0' });
    expect(scene.last('NOTIFY').header('subscription-state')).toBe('terminated;reason=timeout');
  });

  it('in a way that is not understood is told what is', async () => {
    const { subscribe } = await stage();
    const dialogs = await subscribe({ event: 'dialog' });
    expect([dialogs.status, dialogs.header?.('allow-events')]).toEqual([489, 'presence']);
    const other = await subscribe({ accept: 'application/xpidf+xml' });
    expect([other.status, other.header?.('accept')]).toEqual([406, 'application/pidf+xml']);
    expect((await subscribe({ accept: 'application/pidf+xml;q=0.9, text/plain' })).status).toBe(200);
    const short = await subscribe({ expires: '10' });
    expect([short.status, short.header?.('min-expires')]).toEqual([423, '60']);
    expect((await subscribe({ from: 'nonsense <' })).status).toBe(400);
  });

  it('has their own word for it said back', async () => {
    const { scene, subscribe } = await stage();
    await subscribe({ event: 'presence;id=7' });
    expect(scene.last('NOTIFY').header('event')).toBe('presence;id=7');
  });

  it('and is not there any more is let go', async () => {
    const { scene, presence, subscribe, contact } = await stage([admission('approve')]);
    await subscribe();
    await scene.last('NOTIFY').answer(200);
    expect(contact()?.subscription).toBe('from');
    await scene.pass(10_000);
    presence.setPresence({ presence: 'busy' });
    await scene.settle();
    await scene.last('NOTIFY').answer(481);
    expect(contact()?.subscription).toBe('none');
    presence.setPresence({ presence: 'away' });
    await scene.pass(10_000);
    expect(scene.count('NOTIFY')).toBe(2);
  });

  it('is told to ask again when we leave', async () => {
    const { scene, presence, subscribe } = await stage([admission('approve')]);
    await subscribe();
    await scene.last('NOTIFY').answer(200);
    const left = Promise.all(presence.services.map(async (service) => service.leave?.()));
    await scene.settle();
    expect(scene.last('NOTIFY').header('subscription-state')).toBe('terminated;reason=deactivated');
    await scene.last('NOTIFY').answer(200);
    await left;
  });

  it('without end holds no more than ten subscriptions', async () => {
    const { scene, subscribe } = await stage();
    for (let n = 0; n < 15; n++) {
      await subscribe({ 'call-id': `many${String(n)}` });
      await Promise.all(scene.asked.map((one) => one.answer(200)));
    }
    const ended = scene.asked.filter(
      (one) => one.header('subscription-state') === 'terminated;reason=giveup',
    );
    expect(ended).toHaveLength(5);
  });

  it('before a restart still asks after it, and not for ever', async () => {
    const first = await stage();
    await first.subscribe();
    expect(first.contact()?.asks).toBe(true);
    const told = first.scene.house.storage.stored.length;
    const second = await stage([], first.scene);
    await second.scene.pass(3_800_000);
    expect(first.scene.house.storage.stored).toHaveLength(told);
    await second.scene.pass(200_000);
    expect(second.contact()).toMatchObject({ asks: false, subscription: 'none' });
  });
});
