/* The roster, who may see whom, and how reachable people are: on two families of servers, seen by plain clients. */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { can, type InboundContact, type InboundIdentity, type JsonObject } from '#connector';
import { Rigs, type Rig, type RigOptions } from '#connectors/xmpp/testing';
import {
  child,
  childrenOf,
  describeXmpp,
  eventually,
  textOf,
  visitXmpp,
  type PlainXmpp,
  type PlainXmppOptions,
} from '#peers';

const rosterNs = 'jabber:iq:roster';

function rosterOf(session: Rig['session']) {
  if (!can(session, 'keeps-roster') || !can(session, 'admits') || !can(session, 'sets-presence'))
    throw new Error('there is a roster');
  return session;
}

/** What was told of somebody, in order. */
const told = (house: Rig['house'], address: string): readonly InboundContact[] =>
  house.storage.stored.filter(
    (event): event is InboundContact => event.type === 'contact' && event.party.address === address,
  );
const stands = (house: Rig['house'], address: string, fact: Partial<InboundContact>) =>
  eventually(`${address} stands at ${JSON.stringify(fact)}`, () => {
    const last = told(house, address).at(-1);
    return last && Object.entries(fact).every(([name, value]) => last[name as keyof InboundContact] === value)
      ? last
      : undefined;
  });
const presence = (house: Rig['house'], address: string, wanted: string) =>
  eventually(`${address} is ${wanted}`, () => house.presences.get(address)?.presence === wanted);

describeXmpp('people on %s', (scene) => {
  describe('with observers', () => {
    let made = 0;
    const rigs = new Rigs();
    const clients: PlainXmpp[] = [];

    afterEach(async () => {
      await rigs[Symbol.asyncDispose]();
      await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
    });

    const begin = async (options: Omit<RigOptions, 'server'> = {}): Promise<Rig> => {
      const user = options.after === undefined ? { user: `alice-${String(++made)}` } : {};
      const rig = await rigs.begin({ server: scene.server, ...user, ...options });
      await rig.until('online');
      return rig;
    };
    const connect = async (
      login: Pick<PlainXmppOptions, 'user' | 'password'>,
      more: Partial<PlainXmppOptions> = {},
    ): Promise<PlainXmpp> => {
      const client = await visitXmpp(scene.server, login.user, { ...login, ...more });
      clients.push(client);
      return client;
    };
    const fresh = async (): Promise<Pick<PlainXmppOptions, 'user' | 'password'>> => {
      const login = { user: `bob-${String(++made)}`, password: randomBytes(9).toString('hex') };
      await scene.server.createAccount(login.user, login.password);
      return login;
    };
    /** Somebody who wants to be told of their roster: only to such Prosody says who asks and answers. */
    const come = async (): Promise<PlainXmpp> => {
      const client = await connect(await fresh());
      await client.ask('get', `<query xmlns="${rosterNs}"/>`);
      return client;
    };
    /** Another device of the account, that wants to be told of its roster. */
    const device = async (rig: Rig): Promise<PlainXmpp> => {
      const client = await connect({ user: rig.jid.split('@')[0] ?? '', password: rig.password });
      await client.ask('get', `<query xmlns="${rosterNs}"/>`);
      return client;
    };
    const asked = (client: PlainXmpp, by: string, type: string) =>
      client.waitFor(
        `${type} from ${by}`,
        ({ name, attrs }) =>
          name === 'presence' && attrs['type'] === type && attrs['from']?.split('/')[0] === by,
      );
    const item = async (client: PlainXmpp, address: string) => {
      const answer = await client.ask('get', `<query xmlns="${rosterNs}"/>`);
      return childrenOf(child(answer, 'query'), 'item').find(({ attrs }) => attrs['jid'] === address);
    };

    it('are put on the roster with name and groups, asked, and taken off again', async () => {
      const rig = await begin();
      const bob = await come();
      const { house, account } = rig;
      const session = rosterOf(rig.session);
      const wanted = { address: bob.bare, name: 'Bob & Co', groups: ['friends', 'work'] };
      session.setContacts(account, [wanted]);
      await asked(bob, rig.jid, 'subscribe');
      const said = await stands(house, bob.bare, { listed: true, awaited: true });
      expect({ name: said.name, groups: [...said.groups].sort() }).toEqual({
        name: 'Bob & Co',
        groups: ['friends', 'work'],
      });
      bob.send(`<presence to="${rig.jid}" type="subscribed"/>`);
      await stands(house, bob.bare, { subscription: 'to', awaited: false });
      await presence(house, bob.bare, 'available');
      session.setContacts(account, [{ ...wanted, name: 'Robert', groups: [] }]);
      expect((await stands(house, bob.bare, { name: 'Robert' })).groups).toEqual([]);
      session.setContacts(account, [{ ...wanted, removed: true }]);
      await stands(house, bob.bare, { listed: false, subscription: 'none' });
      await presence(house, bob.bare, 'unknown');
      await asked(bob, rig.jid, 'unsubscribe');
    });

    it('are told as another device puts, changes and removes them, also while we were away', async () => {
      const rig = await begin();
      const { house } = rig;
      const phone = await device(rig);
      const bob = `bob@${scene.server.names.domain}`;
      const set = (inside: string) => phone.ask('set', `<query xmlns="${rosterNs}">${inside}</query>`);
      await set(`<item jid="${bob}" name="Bob"><group>chess</group></item>`);
      expect((await stands(house, bob, { listed: true, name: 'Bob' })).groups).toEqual(['chess']);
      await set(`<item jid="${bob}" name="Bobby"/>`);
      await stands(house, bob, { name: 'Bobby' });
      await set(`<item jid="carol@${scene.server.names.domain}" name="Carol"/>`);
      await stands(house, `carol@${scene.server.names.domain}`, { listed: true });
      await eventually('the roster is noted', () =>
        JSON.stringify(house.storage.read(rig.account, 'xmpp.roster') ?? '').includes('carol@'),
      );
      await rig.session.close('asked');
      await set(`<item jid="${bob}" subscription="remove"/>`);
      await set(`<item jid="dave@${scene.server.names.domain}" name="Dave"/>`);
      const before = told(house, `carol@${scene.server.names.domain}`).length;
      await begin({ after: rig });
      await stands(house, bob, { listed: false });
      await stands(house, `dave@${scene.server.names.domain}`, { listed: true, name: 'Dave' });
      // Of whom nothing has changed nothing is told, where the server knows versions.
      if (scene.family === 'Prosody')
        expect(told(house, `carol@${scene.server.names.domain}`)).toHaveLength(before);
    });

    it('stay as another device left them once they were as we wanted, and are not put back', async () => {
      const rig = await begin();
      const bob = `bob@${scene.server.names.domain}`;
      rosterOf(rig.session).setContacts(rig.account, [{ address: bob, name: 'Bob', groups: [] }]);
      await stands(rig.house, bob, { listed: true, awaited: true });
      const phone = await device(rig);
      await phone.ask('set', `<query xmlns="${rosterNs}"><item jid="${bob}" name="Robert"/></query>`);
      await stands(rig.house, bob, { name: 'Robert' });
      await phone.ask('set', `<query xmlns="${rosterNs}"><item jid="${bob}" subscription="remove"/></query>`);
      await stands(rig.house, bob, { listed: false });
      const carol = `carol@${scene.server.names.domain}`;
      rosterOf(rig.session).setContacts(rig.account, [
        { address: bob, name: 'Bob', groups: [], settled: true },
        { address: carol, groups: [] },
      ]);
      await stands(rig.house, carol, { listed: true, awaited: true });
      expect(await item(phone, bob)).toBeUndefined();
    });

    it('who ask are told, and approved or denied; the answer to one who withdrew does no harm', async () => {
      const rig = await begin();
      const [bob, carol, dave] = [await come(), await come(), await come()];
      const session = rosterOf(rig.session);
      for (const one of [bob, carol, dave]) {
        one.send(
          `<presence to="${rig.jid}" type="subscribe"><nick xmlns="http://jabber.org/protocol/nick">Call me B</nick></presence>`,
        );
        const said = await stands(rig.house, one.bare, { asks: true, listed: false });
        expect(said.party.name).toBe('Call me B');
      }
      dave.send(`<presence to="${rig.jid}" type="unsubscribe"/>`);
      session.setAdmissions(rig.account, [
        { address: bob.bare, answer: 'approve' },
        { address: carol.bare, answer: 'deny' },
        { address: dave.bare, answer: 'deny' },
      ]);
      await asked(bob, rig.jid, 'subscribed');
      await bob.waitFor(
        'our presence',
        ({ name, attrs }) =>
          name === 'presence' && attrs['type'] === undefined && attrs['from']?.startsWith(rig.jid) === true,
      );
      await stands(rig.house, bob.bare, { asks: false, subscription: 'from', listed: true });
      await asked(carol, rig.jid, 'unsubscribed');
      await stands(rig.house, carol.bare, { asks: false, subscription: 'none', listed: false });
      await stands(rig.house, dave.bare, { asks: false, subscription: 'none' });
      session.setAdmissions(rig.account, [{ address: bob.bare, answer: 'deny' }]);
      await asked(bob, rig.jid, 'unsubscribed');
      await stands(rig.house, bob.bare, { subscription: 'none', asks: false });
    });

    it('who ask while we are away are told when we come, and are answered before they ask', async () => {
      const rig = await begin();
      await rig.session.close('asked');
      const [bob, carol] = [await come(), await come()];
      bob.send(`<presence to="${rig.jid}" type="subscribe"/>`);
      const again = await begin({ after: rig });
      await stands(again.house, bob.bare, { asks: true });
      const session = rosterOf(again.session);
      session.setAdmissions(again.account, [{ address: carol.bare, answer: 'approve' }]);
      carol.send(`<presence to="${rig.jid}" type="subscribe"/>`);
      await asked(carol, rig.jid, 'subscribed');
      await stands(again.house, carol.bare, { subscription: 'from', asks: false });
    });

    it('have one presence of several devices: the best of those that take messages', async () => {
      const rig = await begin();
      const login = await fresh();
      const desk = await connect(login, { resource: 'desk' });
      rosterOf(rig.session).setContacts(rig.account, [{ address: desk.bare, groups: [] }]);
      await asked(desk, rig.jid, 'subscribe');
      desk.send(`<presence to="${rig.jid}" type="subscribed"/>`);
      await presence(rig.house, desk.bare, 'available');
      desk.send('<presence><show>dnd</show><status>writing</status></presence>');
      await presence(rig.house, desk.bare, 'busy');
      expect(rig.house.presences.get(desk.bare)?.note).toBe('writing');
      const phone = await connect(login, { resource: 'phone', silent: true });
      phone.send('<presence><show>away</show><priority>5</priority></presence>');
      await presence(rig.house, desk.bare, 'away');
      phone.send('<presence><show>chat</show><priority>-1</priority></presence>');
      await presence(rig.house, desk.bare, 'busy');
      desk.send('<presence><show>xa</show></presence>');
      await presence(rig.house, desk.bare, 'extended-away');
      phone.send('<presence><show>chat</show></presence>');
      await presence(rig.house, desk.bare, 'chatty');
      phone.show('unavailable');
      await presence(rig.house, desk.bare, 'extended-away');
      desk.show('unavailable', 'gone home');
      await presence(rig.house, desk.bare, 'offline');
      desk.show('chat');
      await presence(rig.house, desk.bare, 'chatty');
      desk.send(`<presence to="${rig.jid}" type="unsubscribed"/>`);
      await presence(rig.house, desk.bare, 'unknown');
    });

    it('of whom nobody is there are offline, and strangers’ presence is none of ours', async () => {
      const rig = await begin({ timings: { presences: 100 } });
      const bob = await come();
      rosterOf(rig.session).setContacts(rig.account, [{ address: bob.bare, groups: [] }]);
      await asked(bob, rig.jid, 'subscribe');
      bob.send(`<presence to="${rig.jid}" type="subscribed"/>`);
      await presence(rig.house, bob.bare, 'available');
      await rig.session.close('asked');
      await bob[Symbol.asyncDispose]();
      rig.house.presences.clear();
      const again = await begin({ after: rig, timings: { presences: 100 } });
      await presence(again.house, bob.bare, 'offline');
      const stranger = await come();
      stranger.send(`<presence to="${rig.jid}"><show>chat</show></presence>`);
      stranger.send(`<presence to="${rig.jid}" type="subscribe"/>`);
      await stands(again.house, stranger.bare, { asks: true });
      expect(again.house.presences.has(stranger.bare)).toBe(false);
    });

    it('are known by the picture and the nick that they publish, which is fetched once', async () => {
      const rig = await begin();
      const bob = await come();
      rosterOf(rig.session).setContacts(rig.account, [{ address: bob.bare, groups: [] }]);
      await asked(bob, rig.jid, 'subscribe');
      bob.send(`<presence to="${rig.jid}" type="subscribed"/>`);
      await presence(rig.house, bob.bare, 'available');
      // A server tells of what is published those whose client it knows: by our presence, that is.
      rosterOf(rig.session).setAdmissions(rig.account, [{ address: bob.bare, answer: 'approve' }]);
      bob.send(`<presence to="${rig.jid}" type="subscribe"/>`);
      await stands(rig.house, bob.bare, { subscription: 'both' });
      const publish = (node: string, id: string, inside: string) =>
        bob.ask(
          'set',
          `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="${node}"><item id="${id}">${inside}</item></publish></pubsub>`,
        );
      const learnt = () =>
        rig.house.storage.stored.filter(
          (event): event is InboundIdentity => event.type === 'identity' && event.party.address === bob.bare,
        );
      await publish(
        'http://jabber.org/protocol/nick',
        'current',
        '<nick xmlns="http://jabber.org/protocol/nick">Bobby</nick>',
      );
      await eventually('the nick is told', () => learnt().some(({ party }) => party.name === 'Bobby'));
      const wear = async (bytes: Buffer, claimed = createHash('sha1').update(bytes).digest('hex')) => {
        const data = `<data xmlns="urn:xmpp:avatar:data">${bytes.toString('base64')}</data>`;
        await publish('urn:xmpp:avatar:data', claimed, data);
        const info = `<info id="${claimed}" bytes="${String(bytes.length)}" type="image/png"/>`;
        await publish(
          'urn:xmpp:avatar:metadata',
          claimed,
          `<metadata xmlns="urn:xmpp:avatar:metadata">${info}</metadata>`,
        );
      };
      await wear(Buffer.from('another picture than it says'), 'a'.repeat(40));
      const face = randomBytes(3_000);
      await wear(face);
      await eventually('the face is told', () => learnt().some(({ avatar }) => avatar?.size === 3_000));
      // A server may put what was published into the card, under its true hash: under another nothing is taken.
      const taken = rig.house.inbox.received;
      expect(taken.at(-1)?.bytes.equals(face)).toBe(true);
      for (const { bytes, file } of taken)
        expect(file.name).toBe(`avatar-${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`);
      const before = taken.length;
      await rig.session.close('asked');
      const again = await begin({ after: rig });
      await presence(again.house, bob.bare, 'available');
      const mark = randomBytes(2_000);
      await wear(mark);
      await eventually('the next face is told', () => learnt().some(({ avatar }) => avatar?.size === 2_000));
      expect(again.house.inbox.received).toHaveLength(before + 1);
    });

    it('are known by the picture in their card where they tell of it in their presence', async () => {
      const rig = await begin();
      const bob = await come();
      rosterOf(rig.session).setContacts(rig.account, [{ address: bob.bare, groups: [] }]);
      await asked(bob, rig.jid, 'subscribe');
      bob.send(`<presence to="${rig.jid}" type="subscribed"/>`);
      await presence(rig.house, bob.bare, 'available');
      const face = randomBytes(1_234);
      await bob.ask(
        'set',
        `<vCard xmlns="vcard-temp"><FN>Bob</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${face.toString('base64')}</BINVAL></PHOTO></vCard>`,
      );
      const hash = createHash('sha1').update(face).digest('hex');
      bob.send(`<presence><x xmlns="vcard-temp:x:update"><photo>${hash}</photo></x></presence>`);
      await eventually('the face is told', () =>
        rig.house.storage.stored.some((event) => event.type === 'identity' && event.avatar?.size === 1_234),
      );
      expect(rig.house.inbox.received.every(({ bytes }) => bytes.equals(face))).toBe(true);
    });

    it('say of themselves what is in their card, and are blocked and heard again', async () => {
      const rig = await begin();
      const bob = await come();
      const { session, account } = rig;
      if (!can(session, 'takes-requests')) throw new Error('requests are taken');
      const ask = (kind: string, options: JsonObject = {}) =>
        session.request(account, { kind, options }, new AbortController().signal);
      await bob.ask(
        'set',
        '<vCard xmlns="vcard-temp"><FN>Bob Example</FN><NICKNAME>bobby</NICKNAME></vCard>',
      );
      expect(await ask('whois', { who: bob.bare })).toMatchObject({
        outcome: 'done',
        answer: { who: bob.bare, fullName: 'Bob Example', nickname: 'bobby' },
      });
      expect(await ask('whois', { who: `nobody-here@${scene.server.names.domain}` })).toMatchObject({
        outcome: 'done',
      });
      expect(await ask('whois', { who: 'no address@' })).toMatchObject({ outcome: 'refused' });
      await eventually(
        'it is told that somebody can be blocked',
        () => rig.house.capabilitiesOf(account)?.blocking === 'native',
      );
      expect(await ask('blocks')).toEqual({ outcome: 'done', answer: { blocks: [] } });
      expect(await ask('block', { who: bob.bare })).toMatchObject({ outcome: 'done' });
      expect(await ask('blocks')).toEqual({ outcome: 'done', answer: { blocks: [bob.bare] } });
      bob.say(rig.jid, 'you cannot hear me');
      await bob.waitFor(
        'the refusal',
        ({ name: stanza, attrs }) => stanza === 'message' && attrs['type'] === 'error',
      );
      expect(await ask('unblock', { who: bob.bare })).toMatchObject({ outcome: 'done' });
      bob.say(rig.jid, 'can you hear me');
      await eventually('bob is heard', () =>
        rig.house.heard().some(({ content }) => content.text === 'can you hear me'),
      );
      expect(rig.house.heard().map(({ content }) => content.text)).toEqual(['can you hear me']);
    });

    it('see us as we want to be seen', async () => {
      const rig = await begin({ settings: { priority: 7 } });
      const phone = await device(rig);
      const session = rosterOf(rig.session);
      const shows = async (show: string | undefined, status?: string) => {
        await phone.waitFor(`us as ${String(show)}`, (stanza) => {
          const mine = stanza.name === 'presence' && stanza.attrs['from'] !== phone.jid;
          const fits = textOf(child(stanza, 'show')) === show && textOf(child(stanza, 'status')) === status;
          return (
            mine && stanza.attrs['type'] === undefined && fits && textOf(child(stanza, 'priority')) === '7'
          );
        });
      };
      await shows(undefined);
      session.setPresence(rig.account, { presence: 'busy', note: 'at <work>' });
      await shows('dnd', 'at <work>');
      for (const [word, show] of [
        ['chatty', 'chat'],
        ['away', 'away'],
        ['extended-away', 'xa'],
      ] as const) {
        session.setPresence(rig.account, { presence: word });
        await shows(show);
      }
      const own = await phone.waitFor('our capabilities', (stanza) => child(stanza, 'c') !== undefined);
      expect(child(own, 'c')?.xmlns).toBe('http://jabber.org/protocol/caps');
      session.setPresence(rig.account, { presence: 'offline' });
      await phone.waitFor(
        'us gone',
        ({ name, attrs }) =>
          name === 'presence' &&
          attrs['type'] === 'unavailable' &&
          attrs['from']?.startsWith(rig.jid) === true,
      );
      expect(rig.house.stateOf()?.state).toBe('online');
    });
  });
});
