import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import {
  can,
  idsOf,
  wireIdOf,
  type AbilityName,
  type InboundContact,
  type OutboundEnvelope,
  type Session,
} from '#connector';
import { levelOf } from '#model';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';
import { addressIn, expectLeft, heardBy } from './talks.js';

/** The session with an ability that it has declared. */
function able<A extends AbilityName>(session: Session, ability: A) {
  if (!can(session, ability)) throw new Error(`${ability} is declared and not there`);
  return session;
}

/** Says something and waits for its ids on the network: from the answer, the echo or a receipt. */
async function target(rig: Rig, to: string, text: string): Promise<NonNullable<OutboundEnvelope['target']>> {
  const { envelope, outcome } = await rig.say(to, text);
  expectLeft(outcome);
  const wireId = wireIdOf(envelope.id, 0);
  const remoteIds = await rig.until('an id of it', () => {
    const answered = outcome.outcome === 'sent' ? outcome.parts[0] : undefined;
    const echoed = rig.context.messages().find((message) => message.wireId === wireId);
    const told = rig.context.receipts().find(({ about }) => 'wireId' in about && about.wireId === wireId);
    const all = [answered, echoed, told].flatMap((source) => (source ? idsOf(source) : []));
    return all.length > 0 ? all : undefined;
  });
  return { remoteIds: [...new Map(remoteIds.map((id) => [JSON.stringify(id), id])).values()], text };
}

/** What was told of somebody on the roster, in order. */
function contactsOf(rig: Rig, address: string): readonly InboundContact[] {
  return rig.context.storage.stored.filter(
    (event): event is InboundContact => event.type === 'contact' && event.party.address === address,
  );
}

async function changed(
  bench: Bench,
  more: (target: OutboundEnvelope['target'], mark: string) => Partial<OutboundEnvelope>,
): Promise<{ readonly observer: Observer; readonly rig: Rig; readonly mark: string }> {
  const observer = await bench.observer();
  const rig = await bench.rig();
  const mark = bench.mark();
  const about = await target(rig, observer.address, `${mark} first`);
  const { outcome } = await rig.say(observer.address, `${mark} second`, more(about, mark));
  expectLeft(outcome);
  return { observer, rig, mark };
}

export const abilities: readonly Case[] = [
  {
    id: 'edits',
    sentence: 'corrects what was said (abilities, edits)',
    needs: [{ ability: 'edits' }],
    async run(bench) {
      const { observer, rig, mark } = await changed(bench, (about) => ({
        kind: 'edit',
        ...(about && { target: about }),
      }));
      expect(await heardBy(bench, observer, rig, `${mark} second`)).toMatchObject({ kind: 'edit' });
    },
  },
  {
    id: 'retracts',
    sentence: 'takes back what was said (abilities, retracts)',
    needs: [{ ability: 'retracts' }, { here: 'retractions' }],
    async run(bench) {
      const { observer, rig } = await changed(bench, (about) => ({
        kind: 'retraction',
        ...(about && { target: about }),
      }));
      await rig.until('it is taken back', () => observer.heard().some(({ kind }) => kind === 'retraction'));
    },
  },
  {
    id: 'reacts',
    sentence: 'reacts to what was said (abilities, reacts)',
    needs: [{ ability: 'reacts' }, { here: 'reactions' }],
    async run(bench) {
      const { observer, rig } = await changed(bench, (about) => ({
        kind: 'reaction',
        reaction: { emoji: '👍🏽', removed: false },
        ...(about && { target: about }),
      }));
      await rig.until('the reaction', () =>
        observer.heard().some(({ kind, text }) => kind === 'reaction' && text === '👍🏽'),
      );
    },
  },
  {
    id: 'hears-changes',
    sentence: 'tells what others correct, take back and react to, about the right message (§6)',
    needs: [{ act: 'changes' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      await observer.say(rig.address, mark);
      const said = await rig.until('the message', () =>
        rig.context.heard().find(({ content }) => content.text === mark),
      );
      const here = rig.context.capabilitiesOf(rig.account) ?? {};
      const acts = [
        ['reactions', { kind: 'reaction', emoji: '🎉' }],
        ['edits', { kind: 'edit', text: `${mark} better` }],
        ['retractions', { kind: 'retraction' }],
      ] as const;
      const carried = acts.filter(([capability]) => levelOf(here, capability) === 'native');
      expect(carried).not.toHaveLength(0);
      for (const [, change] of carried) await observer.change?.(rig.address, mark, change);
      await rig.until('all of them', () => rig.context.changes().length >= carried.length);
      const changes = rig.context.changes();
      // The same told once more (by an archive that is read meanwhile) changes nothing.
      expect([...new Set(changes.map(({ type }) => type))]).toEqual(carried.map(([, { kind }]) => kind));
      for (const change of changes) {
        expect(change).toMatchObject({ author: said.author, origin: 'remote' });
        expect(idsOf(said)).toContainEqual(change.target);
      }
    },
  },
  {
    id: 'receipts',
    sentence: 'tells what was delivered, by the wire id or the network’s own (law 6)',
    needs: [{ capability: 'receipts' }, { act: 'receipts' }],
    async run(bench) {
      const observer = await bench.observer();
      await bench.network.tellReceipts?.();
      const rig = await bench.rig();
      const { envelope, outcome } = await rig.say(observer.address, bench.mark());
      expectLeft(outcome);
      const known = outcome.outcome === 'sent' ? idsOf(outcome.parts[0] ?? {}) : [];
      const receipt = await rig.until('the receipt', () =>
        rig.context.receipts().find(({ state }) => state === 'delivered'),
      );
      const { about } = receipt;
      if ('wireId' in about) expect(about.wireId).toBe(wireIdOf(envelope.id, 0));
      else
        expect(known.filter((id) => idsOf(about).some((one) => isDeepStrictEqual(one, id)))).not.toEqual([]);
    },
  },
  {
    id: 'rooms-follow',
    sentence: 'enters and leaves rooms as the desired state says, and says who is there (§6, desired state)',
    needs: [{ ability: 'has-rooms' }, { act: 'rooms' }],
    async run(bench) {
      const observer = await bench.observer();
      const [one, two] = [await bench.room(observer), await bench.room(observer)];
      const rig = await bench.rig({ rooms: [one] });
      const rooms = able(rig.session, 'has-rooms');
      await rig.until('both are there', () => {
        const names = rooms.occupants(rig.account, one).map(({ address }) => address);
        return names.includes(addressIn(observer, one)) && names.includes(rig.addressIn(one));
      });
      rooms.setRooms(rig.account, [{ address: two, options: {} }]);
      const told = (room: string, joined: boolean) => () =>
        rig.context.storage.stored.some(
          (event) => event.type === 'room' && event.conversation === room && event.joined === joined,
        );
      await rig.until('the second is entered', told(two, true));
      await rig.until('the first is left', told(one, false));
      const mark = bench.mark();
      await observer.say(one, `${mark} to nobody`);
      await observer.say(two, `${mark} to you`);
      await rig.until('the second is heard', () => rig.heard(mark).length > 0);
      expect(rig.heard(mark)).toEqual([`${mark} to you`]);
      await observer.leave(two);
      await rig.until('the observer is gone', () =>
        rooms.occupants(rig.account, two).every(({ address }) => address !== addressIn(observer, two)),
      );
    },
  },
  {
    id: 'presence-out',
    sentence: 'tells the network how reachable our person is (§7)',
    needs: [{ ability: 'sets-presence' }, { act: 'presence' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      await rig.say(observer.address, bench.mark());
      able(rig.session, 'sets-presence').setPresence(rig.account, { presence: 'away', note: 'back soon' });
      await rig.until('the observer sees it', () => observer.sees?.(rig.address) === 'away');
    },
  },
  {
    id: 'presence-in',
    sentence: 'tells how reachable others are, and when it was learnt (§7)',
    needs: [{ capability: 'presence' }, { act: 'presence' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      await rig.say(observer.address, bench.mark());
      // Some networks tell it of those alone whom our person wants to see.
      if (can(rig.session, 'has-contacts')) {
        rig.session.setContacts(rig.account, [{ address: observer.address, groups: [] }]);
      }
      await observer.show?.('away');
      const seen = await rig.until('the presence', () => {
        const presence = rig.context.presences.get(observer.address);
        return presence?.presence === 'away' ? presence : undefined;
      });
      expect(Number.isNaN(Date.parse(seen.since ?? ''))).toBe(false);
    },
  },
  {
    id: 'contacts',
    sentence: 'tells how reachable those on the roster are, though nobody has spoken (§7, roster)',
    needs: [{ ability: 'has-contacts' }, { act: 'presence' }],
    async run(bench) {
      const [one, two] = [await bench.observer(), await bench.observer()];
      await one.show?.('available');
      await two.show?.('available');
      const rig = await bench.rig();
      const roster = able(rig.session, 'has-contacts');
      const of = (observer: Observer) => rig.context.presences.get(observer.address)?.presence;
      const contact = ({ address }: Observer) => ({ address, groups: [] });
      roster.setContacts(rig.account, [contact(one)]);
      await rig.until('the first is there', () => of(one) === 'available');
      await one.show?.('away');
      await rig.until('the first is away', () => of(one) === 'away');
      roster.setContacts(rig.account, [contact(one), contact(two)]);
      await rig.until('the second is there', () => of(two) === 'available');
      roster.setContacts(rig.account, [contact(one)]);
      // What is said after it has been worked through after it.
      const mark = bench.mark();
      await rig.say(one.address, mark);
      await heardBy(bench, one, rig, mark);
      await two.show?.('away');
      await one.show?.('available');
      await rig.until('the first is back', () => of(one) === 'available');
      expect(of(two)).not.toBe('away');
    },
  },
  {
    id: 'contacts-gone',
    sentence: 'does not call somebody offline or available of whom nobody has told (§7, unknown)',
    needs: [{ ability: 'has-contacts' }, { act: 'presence' }],
    async run(bench) {
      const observer = await bench.observer();
      await observer.show?.('available');
      const rig = await bench.rig({ online: false });
      const roster = able(rig.session, 'has-contacts');
      roster.setContacts(rig.account, [{ address: observer.address, groups: [] }]);
      expect(rig.context.presences.size).toBe(0);
      rig.session.connect();
      await rig.until('it is told once online', () => rig.context.presences.has(observer.address));
    },
  },
  {
    id: 'keeps-roster',
    sentence:
      'tells how the network’s roster stands, and brings it in line with what is wanted (§6, desired state)',
    needs: [{ ability: 'keeps-roster' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const roster = able(rig.session, 'keeps-roster');
      const said = () => contactsOf(rig, observer.address).at(-1);
      const wanted = { address: observer.address, name: 'Bobby', groups: ['friends'] };
      roster.setContacts(rig.account, [wanted]);
      await rig.until('they are on it', () => {
        const told = said();
        return told?.listed === true && told.name === 'Bobby' && told.groups[0] === 'friends';
      });
      roster.setContacts(rig.account, [{ ...wanted, name: 'Robert', groups: [] }]);
      await rig.until('they are called otherwise', () => said()?.name === 'Robert');
      expect(said()?.groups).toEqual([]);
      roster.setContacts(rig.account, [{ ...wanted, removed: true }]);
      await rig.until('they are off it', () => said()?.listed === false);
      roster.setContacts(rig.account, []);
    },
  },
  {
    id: 'admissions',
    sentence: 'tells who asks to see our person, and gives the answer, also one given before they asked (§6)',
    needs: [{ ability: 'admits' }, { act: 'admissions' }],
    async run(bench) {
      const rig = await bench.rig();
      // Whoever was there before may be a friend already.
      const [one, two, three] = [await bench.observer(), await bench.observer(), await bench.observer()];
      const door = able(rig.session, 'admits');
      const asks = ({ address }: Observer) => contactsOf(rig, address).at(-1)?.asks;
      await one.askToSee?.(rig.address);
      await two.askToSee?.(rig.address);
      await rig.until('both ask', () => asks(one) === true && asks(two) === true);
      door.setAdmissions(rig.account, [
        { address: one.address, answer: 'approve' },
        { address: two.address, answer: 'deny' },
        { address: three.address, answer: 'approve' },
      ]);
      await rig.until('both are answered', () => asks(one) === false && asks(two) === false);
      expect(['from', 'both']).toContain(contactsOf(rig, one.address).at(-1)?.subscription);
      expect(contactsOf(rig, two.address).at(-1)?.subscription).toBe('none');
      await rig.until('the first may see', () => one.maySee?.(rig.address) === true);
      await three.askToSee?.(rig.address);
      await rig.until('who was let before they asked may see', () => three.maySee?.(rig.address) === true);
      expect(two.maySee?.(rig.address)).toBe(false);
    },
  },
  {
    id: 'typing',
    sentence: 'shows that somebody writes, both ways (§5, present state)',
    needs: [{ ability: 'shows-typing' }, { here: 'typing' }, { act: 'typing' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      await rig.say(observer.address, bench.mark());
      // Told again and again, as somebody types: a network may first have to learn that the other side understands it.
      await rig.until('the observer sees it', () => {
        able(rig.session, 'shows-typing').typing(rig.account, observer.address, true);
        return observer.seesTyping?.(rig.address) === true;
      });
      await observer.type?.(rig.address, true);
      await rig.until('it is told', () =>
        rig.context.typings.some(({ address, active }) => address === observer.address && active),
      );
    },
  },
  {
    id: 'resolves',
    sentence: 'can tell what reached the network from what did not (§6, unknown)',
    needs: [{ ability: 'resolves-unknown' }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const { signal } = new AbortController();
      const { envelope, outcome } = await rig.say(observer.address, bench.mark());
      expectLeft(outcome);
      const session = able(rig.session, 'resolves-unknown');
      expect(await session.resolve(envelope, signal)).toBe('present');
      expect(await session.resolve(rig.envelope(observer.address, bench.mark()), signal)).toBe('absent');
    },
  },
  {
    id: 'paces',
    sentence: 'says how much may be sent now, and when to ask again (§6, lanes)',
    needs: [{ ability: 'paces' }],
    async run(bench) {
      const rig = await bench.rig();
      const { envelopes, againInMs } = able(rig.session, 'paces').allowance(rig.account);
      expect(envelopes).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(againInMs)).toBe(true);
      if (envelopes === 0) expect(againInMs).toBeGreaterThan(0);
    },
  },
  {
    id: 'requests',
    sentence: 'answers a request that it does not know as unsupported, and rejects nothing (§6, requests)',
    needs: [{ ability: 'takes-requests' }],
    async run(bench) {
      const rig = await bench.rig();
      const session = able(rig.session, 'takes-requests');
      expect(session.requestKinds).not.toContain('no-such-kind');
      const { signal } = new AbortController();
      expect(await session.request(rig.account, { kind: 'no-such-kind', options: {} }, signal)).toMatchObject(
        {
          outcome: 'refused',
          failure: { code: 'unsupported' },
        },
      );
      for (const kind of session.requestKinds) {
        const aborted = await session.request(rig.account, { kind, options: {} }, AbortSignal.abort());
        expect(aborted.outcome).toBe('refused');
      }
    },
  },
];
