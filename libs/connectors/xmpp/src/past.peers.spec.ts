/* What servers hold of the past: the sandbox's and real ones' alike. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { can, idsOf, wireIdOf, type InboundMessage, type Place } from '#connector';
import {
  envelopeTo,
  gapsOf,
  inTime,
  Past,
  sayAll,
  series,
  textsOf,
  untilStored,
  type ArchivingServer,
  type PastRig,
  type Somebody,
} from '#connectors/xmpp/testing';
import { child, describeWithPeers, eventually, xmppFamilies, type PlainXmpp } from '#peers';
import { startSandboxXmpp } from '#sandbox';

const never = new AbortController().signal;

function describePast(start: () => Promise<ArchivingServer>): void {
  let server: ArchivingServer;
  let past: Past;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });
  const open = async (): Promise<{ me: Somebody; bob: PlainXmpp }> => {
    past = new Past(server);
    return { me: await past.somebody('alice'), bob: await past.visit(await past.somebody('bob')) };
  };
  afterEach(async () => {
    await past[Symbol.asyncDispose]();
  });

  describe('what was missed', () => {
    it('is not what was said before the first connect: that is history', async () => {
      const { me, bob } = await open();
      const device = await past.visit(me);
      await sayAll(bob, me.jid, series('before', 5));
      await device.waitFor('the last', (stanza) => JSON.stringify(stanza).includes('before 4'));
      await device[Symbol.asyncDispose]();
      const { house } = await past.begin(me);
      await untilStored(house, series('before', 5));
      expect(textsOf(inTime(house))).toEqual(series('before', 5));
      expect(new Set(inTime(house).map(({ mode }) => mode))).toEqual(new Set(['history']));
      expect(gapsOf(house)).toEqual([]);
    });

    it('comes page by page, in order, each line once, while people go on talking', async () => {
      const { me, bob } = await open();
      const first = await past.begin(me);
      await sayAll(bob, me.jid, series('early', 3));
      await untilStored(first.house, series('early', 3));
      await first.session.close('asked');
      // Somebody else of us is there: nothing waits for us but in the archive.
      const device = await past.visit(me);
      const missed = series('missed', 300);
      await sayAll(bob, me.jid, missed);
      await device.waitFor('the last', (stanza) => JSON.stringify(stanza).includes('missed 299'), {
        deadlineMs: 30_000,
      });
      const second = await past.begin(me, { after: first });
      const meanwhile = series('meanwhile', 20);
      await sayAll(bob, me.jid, meanwhile);
      const all = [...series('early', 3), ...missed, ...meanwhile];
      await untilStored(second.house, all);
      expect(textsOf(inTime(second.house))).toEqual(all);
      expect(gapsOf(second.house)).toEqual([]);
      // Once more, and nothing comes that was here.
      const stored = second.house.storage.stored.length;
      await second.session.close('asked');
      const third = await past.begin(me, { after: second });
      await sayAll(bob, me.jid, ['one more']);
      await untilStored(third.house, ['one more']);
      expect(textsOf(inTime(third.house))).toEqual([...all, 'one more']);
      expect(third.house.storage.stored.length).toBe(stored + 1);
    });

    it('goes on where it was stored, when all is cut off in the middle of it', async () => {
      const { me, bob } = await open();
      let rig = await past.begin(me);
      await sayAll(bob, me.jid, ['the first']);
      await untilStored(rig.house, ['the first']);
      await rig.session.close('asked');
      const device = await past.visit(me);
      const missed = series('missed', 300);
      await sayAll(bob, me.jid, missed);
      await device.waitFor('the last', (stanza) => JSON.stringify(stanza).includes('missed 299'), {
        deadlineMs: 30_000,
      });
      for (const atLeast of [60, 160]) {
        rig = await past.begin(me, { after: rig });
        const { house } = rig;
        await eventually('some of it is stored', () => inTime(house).length > atLeast);
        await rig.session.close('fenced');
        await sayAll(bob, me.jid, [`between ${String(atLeast)}`]);
      }
      rig = await past.begin(me, { after: rig });
      const all = ['the first', ...missed, 'between 60', 'between 160'];
      await untilStored(rig.house, all);
      expect(textsOf(inTime(rig.house))).toEqual(all);
      expect(gapsOf(rig.house)).toEqual([]);
    });

    it('is also what we said on another device', async () => {
      const { me, bob } = await open();
      const first = await past.begin(me);
      await sayAll(bob, me.jid, ['hello']);
      await untilStored(first.house, ['hello']);
      await first.session.close('asked');
      const device = await past.visit(me);
      await sayAll(device, bob.bare, ['hello from my telephone']);
      const { house } = await past.begin(me, { after: first });
      await untilStored(house, ['hello from my telephone']);
      expect(inTime(house).find(({ origin }) => origin === 'other-device')).toMatchObject({
        content: { text: 'hello from my telephone' },
        conversation: bob.bare,
        conversationKind: 'direct',
        origin: 'other-device',
        mode: 'catch-up',
      });
    });
  });

  describe('what is older', () => {
    it('is fetched page by page when asked for, each message once, with the ids it had live', async () => {
      const { me, bob } = await open();
      const rig = await past.begin(me);
      const texts = series('line', 25);
      await sayAll(bob, me.jid, texts);
      await untilStored(rig.house, texts);
      if (!can(rig.session, 'has-history')) throw new Error('it has no history');
      const found: InboundMessage[] = [];
      let before: Place | undefined;
      for (let pages = 0; pages < 6; pages++) {
        const page = await rig.session.history(
          rig.account,
          { conversation: bob.bare, limit: 10, ...(before && { before }) },
          never,
        );
        if (page.outcome !== 'done') throw new Error(page.failure.code);
        found.unshift(...page.events.flatMap((event) => (event.type === 'message' ? [event] : [])));
        before = page.next;
        if (page.complete) break;
      }
      expect(textsOf(found)).toEqual(texts);
      expect(new Set(found.map(({ mode }) => mode))).toEqual(new Set(['history']));
      const live = inTime(rig.house).at(-1);
      expect(idsOf(found.at(-1) ?? {})).toEqual(expect.arrayContaining([...idsOf(live ?? {})]));
      expect(found.at(-1)?.remoteId).toMatchObject({ scope: me.jid, by: 'network' });
    });

    it('goes on from a time where the id is not known', async () => {
      const { me, bob } = await open();
      const rig = await past.begin(me);
      await sayAll(bob, me.jid, series('line', 5));
      await untilStored(rig.house, series('line', 5));
      if (!can(rig.session, 'has-history')) throw new Error('it has no history');
      const before = { at: new Date(Date.now() + 60_000), remoteIds: [] };
      const page = await rig.session.history(
        rig.account,
        { conversation: bob.bare, before, limit: 3 },
        never,
      );
      expect(page).toMatchObject({ outcome: 'done', complete: false });
      expect(page.outcome === 'done' && page.events).toHaveLength(3);
    });
  });

  describe('what is of unknown fate', () => {
    it('is found in the archive if it is there, and said to be absent if it is not', async () => {
      const { me, bob } = await open();
      const rig = await past.begin(me);
      if (!can(rig.session, 'resolves-unknown')) throw new Error('it cannot tell');
      const sent = envelopeTo(rig, bob.bare, 'did it arrive?');
      expect(await rig.session.send(sent, never)).toMatchObject({ outcome: 'sent' });
      await bob.waitFor('it', ({ attrs }) => attrs['id'] === wireIdOf(sent.id, 0));
      expect(await rig.session.resolve(sent, never)).toBe('present');
      expect(await rig.session.resolve(envelopeTo(rig, bob.bare, 'never sent'), never)).toBe('absent');
      // Nobody says whether what has no words is kept.
      const silent = { ...envelopeTo(rig, bob.bare, ''), kind: 'reaction' as const };
      expect(await rig.session.resolve(silent, never)).toBe('unknown');
    });
  });

  describe('how far was read', () => {
    const displayed = 'urn:xmpp:mds:displayed:0';
    const lastId = (rig: PastRig): string => {
      const id = idsOf(inTime(rig.house).at(-1) ?? {}).find(({ by }) => by === 'network');
      if (id === undefined) throw new Error('the archive’s id is not known');
      return id.id;
    };

    it('is told to our other devices, and they tell us', async () => {
      const { me, bob } = await open();
      const rig = await past.begin(me);
      await sayAll(bob, me.jid, ['read me', 'and me']);
      await untilStored(rig.house, ['read me', 'and me']);
      const last = inTime(rig.house).at(-1);
      if (!can(rig.session, 'marks-read') || last === undefined) throw new Error('it has no marks');
      rig.session.markRead(rig.account, bob.bare, { at: last.at, remoteIds: idsOf(last) });
      const device = await past.visit(me);
      await eventually('the server has it', async () => {
        const answer = await device.ask(
          'get',
          `<pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="${displayed}"/></pubsub>`,
        );
        return JSON.stringify(answer).includes(lastId(rig)) && JSON.stringify(answer).includes(bob.bare);
      });
      await sayAll(bob, me.jid, ['and this one']);
      await untilStored(rig.house, ['and this one']);
      const id = lastId(rig);
      await device.ask(
        'set',
        `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="${displayed}"><item id="${bob.bare}">
          <displayed xmlns="${displayed}"><stanza-id xmlns="urn:xmpp:sid:0" by="${me.jid}" id="${id}"/></displayed>
        </item></publish></pubsub>`,
      );
      await eventually('we are told', () =>
        rig.house.storage.stored.some(
          (event) =>
            event.type === 'read' &&
            event.conversation === bob.bare &&
            !(event.upTo instanceof Date) &&
            event.upTo.id === id,
        ),
      );
    });

    it('is asked for when we come back', async () => {
      const { me, bob } = await open();
      const first = await past.begin(me);
      await sayAll(bob, me.jid, ['read me']);
      await untilStored(first.house, ['read me']);
      const id = lastId(first);
      await first.session.close('asked');
      const device = await past.visit(me);
      const answer = await device.ask(
        'set',
        `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="${displayed}"><item id="${bob.bare}">
          <displayed xmlns="${displayed}"><stanza-id xmlns="urn:xmpp:sid:0" by="${me.jid}" id="${id}"/></displayed>
        </item></publish></pubsub>`,
      );
      expect(child(answer, 'error')).toBeUndefined();
      const { house } = await past.begin(me, { after: first });
      await eventually('we are told', () =>
        house.storage.stored.some(
          (event) => event.type === 'read' && !(event.upTo instanceof Date) && event.upTo.id === id,
        ),
      );
    });
  });
}

for (const { name, peers, start } of xmppFamilies) {
  describeWithPeers(`the past on ${name}`, peers, () => {
    describePast(async () => {
      const server = await start({ archiveInMemory: true });
      return Object.assign(server, { domain: server.names.domain });
    });
  });
}

describe('the past on the sandbox', () => {
  describePast(async () => {
    const sandbox = await startSandboxXmpp({ mostOnPage: 20 });
    return {
      port: sandbox.port,
      domain: sandbox.domain,
      createAccount: (name, password) => {
        sandbox.addAccount({ name, password });
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    };
  });
});
