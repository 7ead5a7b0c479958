import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { document, Scene, self, type Asked } from './presence.fixture.js';
import { Watching } from './watching.js';

const bob = 'bob@example.org';
const active = { 'subscription-state': 'active;expires=3600', 'content-type': 'application/pidf+xml' };
const contact = (address: string) => ({ address, groups: [] });

interface Watched {
  readonly scene: Scene;
  readonly watching: Watching;
  readonly subscribe: Asked;
  readonly presence: () => string | undefined;
  /** Takes a NOTIFY of the last SUBSCRIBE; answers with the status of our answer. */
  readonly told: (
    fields: Readonly<Record<string, string>>,
    body?: string,
    more?: { number?: number; tag?: string },
  ) => number | undefined;
}

async function watch(): Promise<Watched> {
  const scene = new Scene();
  const watching = new Watching(scene.parts, [contact(bob)]);
  watching.online();
  await scene.settle();
  let number = 0;
  return {
    scene,
    watching,
    subscribe: scene.last('SUBSCRIBE'),
    presence: () => scene.house.presences.get(bob)?.presence,
    told: (fields, body, more) => {
      const { incoming, answered } = scene.notify(scene.last('SUBSCRIBE'), fields, body, {
        number: ++number,
        ...more,
      });
      if (!watching.takes(incoming)) return undefined;
      watching.take(incoming);
      return answered.status;
    },
  };
}

describe('a contact', () => {
  it('is asked for, and told as they are', async () => {
    const { subscribe, told, presence } = await watch();
    expect(subscribe.request.uri).toBe(`sip:${bob}`);
    expect(subscribe.header('event')).toBe('presence');
    expect(subscribe.header('accept')).toBe('application/pidf+xml');
    expect(subscribe.options.contact).toBe(true);
    await subscribe.answer(200, { expires: '3600' });
    expect(told(active, document('open', 'away'))).toBe(200);
    expect(presence()).toBe('away');
    expect(told(active, document('closed'))).toBe(200);
    expect(presence()).toBe('offline');
  });

  it('is unknown, and not offline, while nothing is said of them', async () => {
    const { subscribe, told, presence } = await watch();
    await subscribe.answer(202, { expires: '3600' });
    expect(told({ 'subscription-state': 'pending;expires=3600' })).toBe(200);
    expect(presence()).toBe('unknown');
    expect(told({ 'subscription-state': 'active;expires=3600' })).toBe(200);
    expect(presence()).toBe('unknown');
    told(active, document('open'));
    expect(presence()).toBe('available');
  });

  it('may be told of before the answer to our question', async () => {
    const { scene, subscribe, told, presence } = await watch();
    expect(told(active, document('open'))).toBe(200);
    expect(presence()).toBe('available');
    await subscribe.answer(200, { expires: '100' });
    await scene.pass(90_000);
    const refresh = scene.last('SUBSCRIBE');
    expect(refresh).not.toBe(subscribe);
    expect(refresh.header('cseq')).toBe('2 SUBSCRIBE');
    expect(refresh.header('to')).toContain(';tag=theirs');
    expect(refresh.options.hop).toBe('sip:server@192.0.2.2');
  });

  it('is told of by one of them only, where several answer', async () => {
    const { told, presence } = await watch();
    told(active, document('open'));
    expect(told(active, document('closed'), { tag: 'another' })).toBe(481);
    expect(presence()).toBe('available');
  });

  it('is not told of by what a later word has overtaken', async () => {
    const { scene, subscribe, told, presence } = await watch();
    told(active, document('open'), { number: 7 });
    expect(told(active, document('closed'), { number: 6 })).toBe(500);
    expect(presence()).toBe('available');
    // Nobody knows which of the two was the later word: it is asked for.
    await subscribe.answer(200, { expires: '3600' });
    await scene.pass(1_000);
    expect(scene.count('SUBSCRIBE')).toBe(2);
    expect(scene.last('SUBSCRIBE').header('to')).toContain('tag');
  });

  it('is not told of in words that were not asked for', async () => {
    const { told } = await watch();
    expect(told({ ...active, 'content-type': 'application/xpidf+xml' }, '<x/>')).toBe(415);
    expect(told({ ...active, event: 'dialog' }, '<x/>')).toBe(489);
    expect(told(active, '<broken')).toBe(200);
  });

  it('whom somebody else speaks of is not ours to answer for', async () => {
    const { scene, watching, subscribe } = await watch();
    const other = new Scene();
    new Watching(other.parts, [contact(bob)]).online();
    await other.settle();
    expect(watching.takes(scene.notify(other.last('SUBSCRIBE'), active).incoming)).toBe(false);
    expect(watching.takes(scene.notify(subscribe, active).incoming)).toBe(true);
  });

  it('is asked for a few at a time, and we are not among them', async () => {
    const scene = new Scene();
    const contacts = Array.from({ length: 20 }, (_, n) => contact(`c${String(n)}@example.org`));
    const watching = new Watching(scene.parts, [contact(self), ...contacts]);
    watching.online();
    await scene.settle();
    expect(scene.count('SUBSCRIBE')).toBe(8);
    await scene.last('SUBSCRIBE').answer(200);
    expect(scene.count('SUBSCRIBE')).toBe(9);
  });

  it('who is one no longer is let go, and not told of any more', async () => {
    const { scene, watching, subscribe, told, presence } = await watch();
    await subscribe.answer(200, { expires: '3600' });
    told(active, document('open'));
    watching.setContacts([]);
    await scene.settle();
    const end = scene.last('SUBSCRIBE');
    expect(end.header('expires')).toBe('0');
    expect(told({ ...active, 'subscription-state': 'terminated;reason=timeout' }, document('closed'))).toBe(
      200,
    );
    expect(presence()).toBe('available');
    await end.answer(200);
    await scene.pass(10_000_000);
    expect(scene.count('SUBSCRIBE')).toBe(2);
  });

  it('is asked for anew on another way to the network, and not at all without one', async () => {
    const { scene, watching, subscribe } = await watch();
    await subscribe.answer(200, { expires: '3600' });
    watching.offline();
    await scene.pass(10_000_000);
    expect(scene.count('SUBSCRIBE')).toBe(1);
    watching.online();
    await scene.settle();
    expect(scene.last('SUBSCRIBE').header('call-id')).not.toBe(subscribe.header('call-id'));
    expect(scene.last('SUBSCRIBE').header('to')).not.toContain('tag');
  });
});

describe('a way to the network that breaks amid questions', () => {
  it('holds nobody up on the next', async () => {
    const scene = new Scene();
    const contacts = Array.from({ length: 10 }, (_, n) => contact(`c${String(n)}@example.org`));
    const watching = new Watching(scene.parts, contacts);
    watching.online();
    await scene.settle();
    watching.offline();
    watching.online();
    await scene.settle();
    expect(scene.count('SUBSCRIBE')).toBe(16);
  });
});

describe('a subscription that ends', () => {
  /** How long after its end it is begun anew, in seconds; undefined where it is not. */
  async function anewAfter(state: string): Promise<number | undefined> {
    const { scene, subscribe, told, presence } = await watch();
    await subscribe.answer(200, { expires: '86400' });
    told({ ...active, 'subscription-state': 'active' }, document('open'));
    // Long enough ago that nobody is asked in a circle.
    await scene.pass(100_000);
    expect(told({ 'subscription-state': `terminated;${state}` })).toBe(200);
    expect(presence()).toBe('unknown');
    for (let second = 1; second <= 3_000; second++) {
      await scene.pass(1_000);
      if (scene.count('SUBSCRIBE') > 1) {
        expect(scene.last('SUBSCRIBE').header('to')).not.toContain('tag');
        return second;
      }
    }
    return undefined;
  }

  it.each([
    ['deactivated', 'reason=deactivated', 1, 1],
    ['timed out', 'reason=timeout', 1, 1],
    ['put on probation', 'reason=probation;retry-after=120', 120, 120],
    ['given up', 'reason=giveup', 1, 10],
    ['over without a reason', 'expires=0', 1, 10],
  ])('is begun anew in its time where it was %s', async (_, state, least, most) => {
    const seconds = await anewAfter(state);
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(seconds).toBeLessThanOrEqual(most);
  });

  it.each(['reason=rejected', 'reason=noresource'])(
    'is not begun anew where it must not be: %s',
    async (state) => {
      expect(await anewAfter(state)).toBeUndefined();
    },
  );

  it('because the other side has forgotten it is begun anew, and what was told holds until then', async () => {
    const { scene, subscribe, told, presence } = await watch();
    await subscribe.answer(200, { expires: '3600' });
    told(active, document('open'));
    await scene.pass(3_100_000);
    const refresh = scene.last('SUBSCRIBE');
    expect(refresh.header('to')).toContain('tag');
    await refresh.answer(481);
    await scene.pass(2_000);
    expect(presence()).toBe('available');
    expect(scene.last('SUBSCRIBE').header('to')).not.toContain('tag');
    expect(scene.last('SUBSCRIBE').header('call-id')).not.toBe(subscribe.header('call-id'));
  });

  it('without anything having been told was none', async () => {
    const { scene, subscribe } = await watch();
    await subscribe.answer(200, { expires: '3600' });
    await scene.pass(32_000);
    expect(scene.count('SUBSCRIBE')).toBe(1);
    await scene.pass(3_000);
    expect(scene.count('SUBSCRIBE')).toBe(2);
  });
});

describe('whatever is said of a subscription', () => {
  it('makes nothing throw, and nobody ask in a circle', async () => {
    const words = fc.constantFrom(
      'active',
      'pending',
      'terminated',
      '',
      'x',
      'active;',
      ';;',
      'terminated;reason',
    );
    const params = fc.constantFrom(
      '',
      ';expires=0',
      ';expires=4294967296',
      ';expires=-1',
      ';reason=deactivated',
      ';reason=timeout;retry-after=0',
      ';retry-after=99999999999',
      ';reason=probation;retry-after=4294967295',
    );
    const body = fc.constantFrom('', '<', document('open'), '<presence/>', '\0');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(words, params, body), { minLength: 1, maxLength: 4 }),
        async (said) => {
          const { scene, told } = await watch();
          for (const [word, param, text] of said)
            told({ ...active, 'subscription-state': word + param }, text);
          await scene.pass(60_000);
          expect(scene.count('SUBSCRIBE')).toBeLessThan(10);
          // What waits must be what a timer can wait for.
          expect(scene.longestWait).toBeLessThan(2 ** 31);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a subscription that is not taken', () => {
  it.each([489, 403, 404, 405, 603])('is not asked for again after %d', async (status) => {
    const { scene, subscribe, presence } = await watch();
    await subscribe.answer(status);
    await scene.pass(4_000_000);
    expect(scene.count('SUBSCRIBE')).toBe(1);
    expect(presence()).toBe('unknown');
  });

  it('because it is too short is asked for longer', async () => {
    const { scene, subscribe } = await watch();
    await subscribe.answer(423, { 'min-expires': '7200' });
    expect(scene.last('SUBSCRIBE').header('expires')).toBe('7200');
    await scene.last('SUBSCRIBE').answer(423, { 'min-expires': '60' });
    await scene.pass(500);
    expect(scene.count('SUBSCRIBE')).toBe(2);
  });

  it('is asked for when the server says, and else less and less often', async () => {
    const { scene, subscribe } = await watch();
    await subscribe.answer(503, { 'retry-after': '300' });
    await scene.pass(299_000);
    expect(scene.count('SUBSCRIBE')).toBe(1);
    await scene.pass(2_000);
    expect(scene.count('SUBSCRIBE')).toBe(2);
    const begun = scene.clock.monotonic();
    for (let round = 0; round < 12; round++) {
      await scene.last('SUBSCRIBE').fail();
      for (const before = scene.count('SUBSCRIBE'); scene.count('SUBSCRIBE') === before;)
        await scene.pass(1_000);
    }
    expect(scene.clock.monotonic() - begun).toBeGreaterThan(900_000);
  });
});
