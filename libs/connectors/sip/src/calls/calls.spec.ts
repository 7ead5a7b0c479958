import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { can, type CallName, type CallOrder, type InboundCall, type PlacesCalls } from '#connector';
import { Rigs, type Rig, type RigOptions } from '#connectors/sip/testing';
import { failure, newId, type CallId, type CallState } from '#model';
import { eventually } from '#peers';
import { buildMessage, Headers, type Answer } from '#protocols/sip';
import { Exchange } from './exchange.fixture.js';

const theirOffer = 'v=0\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\n';
/** Whoever has offered is answered before it is hung up (RFC 3261 §13.2.2.4, RFC 3264 §6). */
const nothingComes =
  'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n';
const theirAnswer = 'v=0\r\ns=\u00ff\r\nm=audio 5000 RTP/AVP 0\r\n';

describe('calls', () => {
  let exchange: Exchange;
  let rigs: Rigs;
  beforeEach(async () => {
    exchange = await Exchange.start();
    rigs = new Rigs();
  });
  afterEach(async () => {
    await rigs[Symbol.asyncDispose]();
    await exchange[Symbol.asyncDispose]();
  });

  const begin = async (options: Partial<RigOptions> = {}): Promise<Rig> => {
    const rig = await rigs.begin({ server: exchange, user: 'alice', ...options });
    await rig.until('online');
    return rig;
  };
  const told = ({ house }: Rig): readonly InboundCall[] =>
    house.storage.stored.filter((event): event is InboundCall => event.type === 'call');
  const untilTold = async (rig: Rig, state: CallState): Promise<InboundCall> =>
    await eventually(`the call is ${state}`, () => {
      const last = told(rig).at(-1);
      return last?.state === state ? last : undefined;
    });
  const lines = ({ session }: Rig): PlacesCalls => {
    if (!can(session, 'places-calls')) throw new Error('SIP places calls');
    return session;
  };
  const statusOf = async (answer: Promise<Answer>): Promise<number> => {
    const given = await answer;
    return given.answer === 'response' ? given.response.status : 0;
  };

  describe('that ring here', () => {
    it('are told of, and missed when the caller gives up', async () => {
      const rig = await begin();
      const call = exchange.ring('bob@sip.example.org');
      const ringing = await untilTold(rig, 'ringing');
      expect(ringing).toMatchObject({
        direction: 'in',
        conversation: 'bob@sip.example.org',
        party: { address: 'bob@sip.example.org', kind: 'stable' },
      });
      await eventually('the caller hears it ring', () => call.statuses.includes(180));
      call.handle.cancel();
      expect(await statusOf(call.handle.answer)).toBe(487);
      expect(await untilTold(rig, 'missed')).toMatchObject({ call: ringing.call });
    });

    it.each([
      ['SIP;cause=200;text="Call completed elsewhere"', 'answered-elsewhere'],
      ['SIP;cause=603;text="Decline"', 'declined'],
      ['SIP;cause=600', 'busy'],
    ] as const)('and are cancelled with %s are %s', async (reason, state) => {
      const rig = await begin();
      const call = exchange.ring('bob@sip.example.org');
      await untilTold(rig, 'ringing');
      await eventually('it rings', () => call.statuses.length > 0);
      call.handle.cancel({ reason });
      await untilTold(rig, state);
    });

    it('are declined when our person wants so, and no other is', async () => {
      const rig = await begin();
      const call = exchange.ring('bob@sip.example.org');
      const ringing = await untilTold(rig, 'ringing');
      expect(await lines(rig).endCall(rig.account, ringing.call)).toEqual({ outcome: 'ending' });
      expect(await statusOf(call.handle.answer)).toBe(603);
      await untilTold(rig, 'declined');
      const again = await lines(rig).endCall(rig.account, ringing.call);
      expect(again).toMatchObject({ outcome: 'refused', failure: { code: 'not-found' } });
    });

    it.each([
      [{ timings: { ringing: 60 } }, {}, 480],
      [{}, { expires: '1' }, 487],
    ])('for too long were missed', async (options, headers, status) => {
      const rig = await begin(options);
      const call = exchange.ring('bob@sip.example.org', headers);
      expect(await statusOf(call.handle.answer)).toBe(status);
      await untilTold(rig, 'missed');
      expect(told(rig)).toHaveLength(2);
    });

    it('ring though they are to be refreshed when they are taken, for they are not', async () => {
      const rig = await begin();
      const call = exchange.ring('bob@sip.example.org', { require: 'timer' });
      await untilTold(rig, 'ringing');
      await eventually('it rings', () => call.statuses.includes(180));
      const unheard = exchange.ring('bob@sip.example.org', { require: 'timer, unheard-of' });
      expect(await statusOf(unheard.handle.answer)).toBe(420);
    });

    it('are all declined where the settings say so', async () => {
      const rig = await begin({ settings: { calls: 'decline' } });
      const call = exchange.ring('bob@sip.example.org');
      expect(await statusOf(call.handle.answer)).toBe(603);
      expect(call.statuses).toEqual([]);
      await untilTold(rig, 'declined');
    });

    it.each([
      ['busy', 486, 'busy'],
      ['offline', 480, 'missed'],
      ['extended-away', 480, 'missed'],
    ] as const)('hear how our person is: %s', async (presence, status, state) => {
      const rig = await begin();
      const { session } = rig;
      if (!can(session, 'sets-presence')) throw new Error('SIP shows presence');
      session.setPresence(rig.account, { presence });
      expect(await statusOf(exchange.ring('bob@sip.example.org').handle.answer)).toBe(status);
      await untilTold(rig, state);
      session.setPresence(rig.account, { presence: 'away' });
      exchange.ring('bob@sip.example.org');
      await untilTold(rig, 'ringing');
    });

    it('ring whatever our person shows where the settings say so', async () => {
      const rig = await begin({ settings: { calls: 'ring' } });
      const { session } = rig;
      if (!can(session, 'sets-presence')) throw new Error('SIP shows presence');
      session.setPresence(rig.account, { presence: 'busy' });
      exchange.ring('bob@sip.example.org');
      await untilTold(rig, 'ringing');
    });

    it('hear that nobody is there when the session ends', async () => {
      const rig = await begin();
      const call = exchange.ring('bob@sip.example.org');
      await untilTold(rig, 'ringing');
      await rig.session.close('asked');
      expect(await statusOf(call.handle.answer)).toBe(480);
      await untilTold(rig, 'missed');
      expect([...rig.house.storage.keyValues.keys()].filter((key) => key.includes('sip.calls'))).toEqual([]);
    });

    it('hear it, too, when they call while the session ends', async () => {
      const rig = await begin({ settings: { calls: 'ring' } });
      const late: Promise<number | undefined>[] = [];
      exchange.leaving = () => {
        late.push(statusOf(exchange.ring('bob@sip.example.org').handle.answer));
      };
      await rig.session.close('asked');
      exchange.leaving = undefined;
      expect(await Promise.all(late)).toEqual([480]);
      expect(told(rig).map(({ state }) => state)).toEqual(['missed']);
    });

    it('were missed when the session that heard them died', async () => {
      const rig = await begin();
      exchange.ring('bob@sip.example.org');
      const ringing = await untilTold(rig, 'ringing');
      await rig.session.close('fenced');
      const heir = await begin({ after: rig });
      expect(await untilTold(heir, 'missed')).toMatchObject({
        call: ringing.call,
        failure: { code: 'server-shutdown' },
      });
    });

    it('are not read, whatever they bring', async () => {
      const rig = await begin();
      const hostile = Buffer.alloc(60_000, 'v=0\r\nm=\0\u0000\xff');
      exchange.ring('bob@sip.example.org', { 'content-type': 'application/sdp;x="' }, hostile);
      await untilTold(rig, 'ringing');
      exchange.ring('mallory@sip.example.org', { from: '<tel:>;tag=1' });
      exchange.ring('carol@sip.example.org', { from: '"\\' });
      const last = exchange.ring('dave@sip.example.org', { reason: 'SIP;cause="' });
      await eventually('dave rings', () => last.statuses.includes(180));
      expect(new Set(told(rig).map(({ party }) => party.address))).toEqual(
        new Set(['bob@sip.example.org', 'dave@sip.example.org']),
      );
    });

    it('are fifty at most, and the same one by two ways rings once', async () => {
      const rig = await begin();
      const calls = Array.from({ length: 51 }, (_, n) => exchange.ring(`caller${String(n)}@sip.example.org`));
      const statuses = await Promise.race(calls.map(({ handle }) => statusOf(handle.answer)));
      expect(statuses).toBe(486);
      await eventually('fifty are told', () => told(rig).length === 50);
      const [first] = calls;
      if (first === undefined) throw new Error('nobody called');
      const { flow } = exchange.registered;
      const twin = exchange.stack.invite({ request: first.request, hops: [flow] });
      expect(await statusOf(twin.answer)).toBe(482);
    });

    it('and were never begun cannot be ended', async () => {
      await begin();
      const { contact, flow } = exchange.registered;
      const { request } = exchange.ring('bob@sip.example.org');
      const bye = {
        ...request,
        method: 'BYE',
        uri: contact,
        headers: Headers.from(request.headers).set('cseq', '2 BYE').set('to', '<sip:alice@x>;tag=none'),
      };
      expect(await statusOf(exchange.stack.request({ request: bye, hops: [flow] }))).toBe(481);
    });
  });

  describe('that we place', () => {
    const place = async (rig: Rig, more: Partial<CallOrder> = {}): Promise<CallName & { placed: CallId }> => {
      const call = newId<'CallId'>();
      const order = { call, from: 'desk@sip.example.org', to: 'bob@sip.example.org', ...more };
      expect(await lines(rig).placeCall(rig.account, order)).toEqual({ outcome: 'placed' });
      return { placed: call };
    };
    /** Mine has answered, theirs rings. */
    const half = async (options: Partial<RigOptions> = {}) => {
      const rig = await begin(options);
      const call = await place(rig);
      const mine = await exchange.phone('desk');
      mine.ring();
      mine.answer(theirOffer);
      const theirs = await exchange.phone('bob');
      theirs.ring();
      await eventually('theirs is told to ring', () => told(rig).at(-1)?.legs?.theirs === 'ringing');
      return { rig, call, mine, theirs };
    };
    const whole = async () => {
      const both = await half();
      both.theirs.answer(theirAnswer);
      await untilTold(both.rig, 'answered');
      await eventually('mine is acknowledged', () => both.mine.acks.length === 1);
      return both;
    };
    const noted = (rig: Rig): boolean =>
      [...rig.house.storage.keyValues.keys()].some((key) => key.includes('sip.calls'));

    it('are hung up through the server where phones name places that there is no way to', async () => {
      const { rig, call } = await whole();
      rig.house.turnsAre = failure('not-allowed', 'Nobody goes there.');
      expect(await lines(rig).endCall(rig.account, call)).toEqual({ outcome: 'ending' });
      await eventually('both are hung up', () => exchange.byes.length === 2);
    });

    it('go on to the phone that theirs is forwarded to', async () => {
      const { rig, mine, theirs } = await half();
      theirs.forward('<sip:carol@sip.example.org>');
      const another = await exchange.phone('carol');
      expect(another.offer).toBe(theirOffer);
      expect(another.incoming.request.headers.get('call-id')).toBe(
        theirs.incoming.request.headers.get('call-id'),
      );
      another.answer(theirAnswer);
      await untilTold(rig, 'answered');
      await eventually('both are acknowledged', () => mine.acks.length + another.acks.length === 2);
    });

    it('connect my phone, then theirs, each with what the other says, and are hung up on both', async () => {
      const rig = await begin();
      const call = await place(rig);
      const mine = await exchange.phone('desk');
      // Flow I: mine says first, and theirs hears nothing until it has.
      expect(mine.offer).toBe('');
      expect(mine.incoming.request.headers.get('expires')).toBe('60');
      expect(exchange.unasked).toBe(0);
      mine.ring();
      await eventually('it is told to ring', () => told(rig).at(-1)?.legs?.mine === 'ringing');
      mine.answer(theirOffer, 'application/sdp;version=0');
      const theirs = await exchange.phone('bob');
      expect(theirs.offer).toBe(theirOffer);
      expect(theirs.incoming.request.headers.get('content-type')).toBe('application/sdp;version=0');
      expect(mine.acks).toEqual([]);
      theirs.ring();
      theirs.answer(theirAnswer);
      const answered = await untilTold(rig, 'answered');
      expect(answered).toMatchObject({
        call,
        direction: 'out',
        party: { address: 'bob@sip.example.org' },
        legs: { mine: 'answered', theirs: 'answered' },
      });
      await eventually('both are acknowledged', () => mine.acks.length === 1 && theirs.acks.length === 1);
      expect(theirs.acks[0]?.body.length).toBe(0);
      expect(mine.acks[0]?.body.toString('latin1')).toBe(theirAnswer);
      expect(mine.acks[0]?.headers.get('content-type')).toBe('application/sdp');
      const states = told(rig).map(({ state, legs }) => [state, legs?.mine, legs?.theirs]);
      expect(states).toEqual([
        ['ringing', 'ringing', 'waiting'],
        ['ringing', 'answered', 'waiting'],
        ['ringing', 'answered', 'calling'],
        ['ringing', 'answered', 'ringing'],
        ['answered', 'answered', 'answered'],
      ]);
      expect(await lines(rig).endCall(rig.account, call)).toEqual({ outcome: 'ending' });
      await eventually('both are hung up', () => exchange.byes.length === 2);
      await untilTold(rig, 'ended');
      await eventually('nothing is kept of it', () => !noted(rig));
    });

    it('under one id are one call', async () => {
      const rig = await begin();
      const { placed } = await place(rig);
      await exchange.phone('desk');
      await place(rig, { call: placed });
      await place(rig, { call: newId<'CallId'>() });
      await exchange.phone('desk');
      expect(exchange.unasked).toBe(0);
    });

    it('ring at the account’s own phones where no other is asked for, and not at us', async () => {
      const rig = await begin();
      const call = newId<'CallId'>();
      await lines(rig).placeCall(rig.account, { call, to: 'bob@sip.example.org' });
      const mine = await exchange.phone('alice');
      // The server asks all who are registered, and we are.
      const { request } = mine.incoming;
      const fields = [...request.headers].filter(([name]) => name !== 'via');
      const fork = { ...request, uri: exchange.registered.contact, headers: new Headers(fields) };
      const copy = exchange.stack.invite({ request: fork, hops: [exchange.registered.flow] });
      expect(await statusOf(copy.answer)).toBe(480);
      // Some servers do so with a call of their own.
      expect(await statusOf(exchange.ring(rig.address).handle.answer)).toBe(480);
      // Or with the number that it has for the account.
      expect(await statusOf(exchange.ring('100@192.0.2.1').handle.answer)).toBe(480);
      expect(told(rig)).toEqual([]);
      // But it calls each phone once: whoever calls now is somebody else.
      const carol = exchange.ring('carol@sip.example.org');
      await eventually('it rings', () => carol.statuses.includes(180));
    });

    it.each([
      [603, 'declined'],
      [486, 'busy'],
      [404, 'failed'],
    ] as const)('and they refuse with %i are %s, and my phone is hung up', async (status, state) => {
      const { rig, mine, theirs } = await half();
      theirs.incoming.respond(status);
      const over = await untilTold(rig, state);
      expect(over.failure).toBeDefined();
      await eventually('mine is hung up', () => exchange.byes.length === 1);
      // A phone that waits for its ACK hears BYE only after it.
      expect(mine.acks).toHaveLength(1);
      await eventually('nothing is kept of it', () => !noted(rig));
    });

    it('and that I refuse myself call nobody', async () => {
      const rig = await begin();
      await place(rig);
      (await exchange.phone('desk')).incoming.respond(603);
      await untilTold(rig, 'declined');
      expect(exchange.unasked).toBe(0);
      expect(exchange.byes).toEqual([]);
    });

    it('and nobody answers have failed, and ring no longer', async () => {
      const { rig, mine, theirs } = await half({ timings: { theirsRings: 150 } });
      expect(await untilTold(rig, 'failed')).toMatchObject({ failure: { code: 'timeout' } });
      await eventually('theirs is given up', () => theirs.cancels.length === 1);
      await eventually('mine is hung up', () => exchange.byes.length === 1);
      expect(mine.acks.map(({ body }) => body.toString('latin1'))).toEqual([nothingComes]);
    });

    it('and I hang up while theirs rings are given up there', async () => {
      const { rig, mine, theirs } = await half();
      await mine.hangUp();
      await untilTold(rig, 'ended');
      await eventually('mine is acknowledged', () => mine.acks[0]?.body.toString('latin1') === nothingComes);
      await eventually('theirs is given up', () => theirs.cancels.length === 1);
      expect(theirs.cancels[0]?.headers.get('reason')).toBeDefined();
    });

    it('and either side hangs up are hung up on the other', async () => {
      const first = await whole();
      expect(await statusOf(first.theirs.hangUp())).toBe(200);
      await untilTold(first.rig, 'ended');
      await eventually('mine is hung up', () => exchange.byes.length === 1);
      expect(exchange.byes[0]?.uri).toContain('phone0');
    });

    it('and are answered in the moment in which they are given up are hung up', async () => {
      const rig = await begin();
      const call = await place(rig);
      const mine = await exchange.phone('desk');
      const { incoming } = mine;
      incoming.cancelled = () => {
        mine.answer(theirOffer);
      };
      mine.ring();
      await untilTold(rig, 'ringing');
      await lines(rig).endCall(rig.account, call);
      await eventually('it is hung up', () => exchange.byes.length === 1);
      expect(mine.acks.map(({ body }) => body.toString('latin1'))).toEqual([nothingComes]);
      await untilTold(rig, 'ended');
      expect(exchange.unasked).toBe(0);
    });

    it('and that two phones of theirs answer keep the first and hang up the second', async () => {
      const { rig, mine, theirs } = await half();
      const { incoming } = theirs;
      const given = incoming.respond(200, {
        headers: {
          contact: `<sip:first@127.0.0.1:${String(exchange.port)}>`,
          'content-type': 'application/sdp',
        },
        body: theirAnswer,
      });
      await untilTold(rig, 'answered');
      const headers = Headers.from(given.headers)
        .set('to', `<sip:bob@sip.example.org>;tag=other`)
        .set('contact', `<sip:second@127.0.0.1:${String(exchange.port)}>`);
      const socket = createSocket('udp4');
      const { address, port } = incoming.flow.remote;
      socket.send(buildMessage({ ...given, headers }), port, address);
      await eventually('the second is hung up', () => exchange.byes.length === 1);
      expect(exchange.byes[0]?.uri).toContain('second');
      expect(mine.acks).toHaveLength(1);
      expect(told(rig).at(-1)?.state).toBe('answered');
      socket.close();
      await once(socket, 'close');
    });

    it('pass on how either side wants to speak from then on', async () => {
      const { rig, mine, theirs } = await whole();
      const held = 'v=0\r\ns=hold\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n';
      const change = mine.change(held);
      const passed = await exchange.phone('phone1');
      expect(passed.offer).toBe(held);
      // One change at a time.
      expect(await statusOf(theirs.change(held).answer)).toBe(491);
      passed.answer('v=0\r\ns=held\r\n');
      const answer = await change.answer;
      if (answer.answer !== 'response') throw new Error('nobody answered');
      expect(answer.response.status).toBe(200);
      expect(answer.response.body.toString()).toBe('v=0\r\ns=held\r\n');
      expect(answer.response.headers.get('contact')).toBeDefined();
      change.ack(answer.response);
      await eventually('theirs is acknowledged', () => passed.acks.length === 1);
      // Whoever wants to be told first is refused: there is nothing here to tell.
      expect(await statusOf(mine.change('').answer)).toBe(488);
      // And who wants a session that is refreshed: nobody here does.
      expect(await statusOf(mine.change(held, { require: 'timer' }).answer)).toBe(420);
      const refused = theirs.change(held);
      (await exchange.phone('phone0')).incoming.respond(488);
      expect(await statusOf(refused.answer)).toBe(488);
      expect(told(rig).at(-1)?.state).toBe('answered');
    });

    it('by a session that died while my phone rings are cancelled by the next', async () => {
      const rig = await begin();
      const call = await place(rig);
      const mine = await exchange.phone('desk');
      mine.ring();
      await untilTold(rig, 'ringing');
      await rig.session.close('fenced');
      const heir = await begin({ after: rig });
      await eventually('my phone is given up', () => mine.cancels.length === 1);
      expect(await untilTold(heir, 'failed')).toMatchObject({ call, failure: { code: 'server-shutdown' } });
      await eventually('nothing is kept of it', () => !noted(heir));
    });

    it('by a session that died before anything was answered are cancelled by the next', async () => {
      const rig = await begin();
      await place(rig);
      const mine = await exchange.phone('desk');
      // Not a word of it was told, and it rings.
      await rig.session.close('fenced');
      mine.ring();
      await begin({ after: rig });
      await eventually('my phone is given up', () => mine.cancels.length === 1);
    });

    it('by a session that died while they speak are hung up by the next', async () => {
      const { rig, call } = await whole();
      await rig.session.close('fenced');
      const heir = await begin({ after: rig });
      await eventually('both are hung up', () => exchange.byes.length === 2);
      expect(await untilTold(heir, 'ended')).toMatchObject({ call });
      const numbers = exchange.byes.map(({ headers }) => Number.parseInt(headers.get('cseq') ?? '', 10));
      expect(Math.min(...numbers)).toBeGreaterThan(2);
      await eventually('nothing is kept of it', () => !noted(heir));
    });

    it('are not placed where what would give them up cannot be kept', async () => {
      const rig = await begin({ timings: { deadline: 100 } });
      rig.house.storage.withhold();
      await place(rig);
      await eventually('it was to be kept', () => rig.house.storage.mostOutstanding > 0);
      rig.house.storage.release();
      expect(await untilTold(rig, 'failed')).toMatchObject({ failure: { code: 'network-unreachable' } });
      expect(exchange.unasked).toBe(0);
    });

    it('are ended with the session, and none is placed by one that is not online', async () => {
      const { rig, theirs } = await half();
      await rig.session.close('asked');
      await untilTold(rig, 'ended');
      expect(theirs.cancels).toHaveLength(1);
      expect(exchange.byes).toHaveLength(1);
      const order = { call: newId<'CallId'>(), to: 'bob@sip.example.org' };
      expect(await lines(rig).placeCall(rig.account, order)).toMatchObject({ outcome: 'refused' });
    });
  });
});
