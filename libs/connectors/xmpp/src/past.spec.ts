/* Archives that no honest server would keep, on the sandbox; what servers do is in past.peers.spec.ts. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { can, wireIdOf } from '#connector';
import { fieldsOf } from '#connector/session';
import { eventually, type PlainXmpp } from '#peers';
import { startSandboxXmpp, type SandboxXmpp, type SandboxXmppClient } from '#sandbox';
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

const serverOf = (sandbox: SandboxXmpp): ArchivingServer => ({
  port: sandbox.port,
  domain: sandbox.domain,
  createAccount: (name, password) => {
    sandbox.addAccount({ name, password });
    return Promise.resolve();
  },
  [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
});

const never = new AbortController().signal;
const mam = 'urn:xmpp:mam:2';
const rsm = 'http://jabber.org/protocol/rsm';

describe('an archive that cannot be relied on', () => {
  let sandbox: SandboxXmpp;
  /** How far the server's clock is ahead. */
  let later: number;
  let past: Past;
  let me: Somebody;
  let bob: PlainXmpp;
  beforeEach(async () => {
    later = 0;
    sandbox = await startSandboxXmpp({
      mostOnPage: 20,
      now: () => Date.now() + later,
      // What is put in by hand is not counted.
      without: ['stream-management'],
    });
    past = new Past(serverOf(sandbox));
    me = await past.somebody('alice');
    bob = await past.visit(await past.somebody('bob'));
  });
  afterEach(async () => {
    await past[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  });

  /** Was here, and is away while things are said; answers what was said. */
  const missed = async (
    count: number,
    afterMs = 0,
  ): Promise<{ readonly rig: PastRig; readonly texts: readonly string[] }> => {
    const rig = await past.begin(me);
    await sayAll(bob, me.jid, ['early']);
    await untilStored(rig.house, ['early']);
    await eventually('its place is noted', () => {
      const noted = rig.house.storage.read(rig.account, `xmpp.archive:${me.jid}`);
      return typeof noted === 'object' && noted !== null && 'id' in noted;
    });
    await rig.session.close('asked');
    later = afterMs;
    const device = await past.visit(me);
    const texts = series('missed', count);
    await sayAll(bob, me.jid, texts);
    await device[Symbol.asyncDispose]();
    return { rig, texts: ['early', ...texts] };
  };
  /** Has a question to an archive answered by hand. */
  const answering = (answer: (query: Query, client: SandboxXmppClient) => boolean): void => {
    sandbox.intercept((stanza, client) => {
      const id = /^<iq [^>]*\bid=["']([^"']+)/.exec(stanza)?.[1];
      const queryId = /\bqueryid=["']([^"']+)/.exec(stanza)?.[1];
      return id !== undefined && queryId !== undefined && answer({ id, queryId, stanza }, client);
    });
  };
  interface Query {
    readonly id: string;
    readonly queryId: string;
    readonly stanza: string;
  }
  const result = (queryId: string, id: string, text: string, from = me.jid): string =>
    `<message from="${from}"><result xmlns="${mam}" queryid="${queryId}" id="${id}">
      <forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/>
      <message xmlns="jabber:client" from="${bob.bare}" to="${me.jid}" type="chat" id="f-${id}"><body>${text}</body></message>
      </forwarded></result></message>`;
  const fin = (id: string, inside: string, complete = false): string =>
    `<iq type="result" id="${id}" from="${me.jid}"><fin xmlns="${mam}"${complete ? ' complete="true"' : ''}>
      <set xmlns="${rsm}">${inside}</set></fin></iq>`;
  const error = (id: string, condition: string, type = 'cancel'): string =>
    `<iq type="error" id="${id}" from="${me.jid}"><error type="${type}">
      <${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`;

  it('is believed in nothing that others say in its name', async () => {
    const { rig, texts } = await missed(30);
    let asked = 0;
    answering(({ queryId }, client) => {
      asked++;
      // From a stranger with the mark of the question; from the archive without it; a whole page before the true one.
      client.say(result(queryId, 'x1', 'forged by bob', `${bob.bare}/phone`));
      client.say(result(queryId, 'x2', 'forged by a room', `lounge@${sandbox.roomDomain}`));
      client.say(result('another question', 'x3', 'forged with another mark'));
      client.say(result(queryId, 'x4', 'forged by a server', sandbox.domain));
      client.say(fin('not that question', '<last>x1</last>', true));
      return false;
    });
    const { house } = await past.begin(me, { after: rig });
    await untilStored(house, texts);
    await sayAll(bob, me.jid, ['after it']);
    await untilStored(house, ['after it']);
    expect(asked).toBeGreaterThan(0);
    expect(textsOf(inTime(house))).toEqual([...texts, 'after it']);
    // Nor is a result that nobody asked for ever a message.
    const client = await sandbox.client(me.user);
    client.say(result('nobody asked', 'x5', 'unasked'));
    await sayAll(bob, me.jid, ['and after that']);
    await untilStored(house, ['and after that']);
    expect(textsOf(inTime(house))).toEqual([...texts, 'after it', 'and after that']);
  });

  it('is begun at the moment that a line came live, though the account had not said yet that it has one', async () => {
    // An archive tells of less than the moment: by the second, or by a clock that is behind.
    later = -1_500;
    let tell: () => void = () => undefined;
    sandbox.intercept((stanza, client) => {
      const id = /^<iq [^>]*\bid=["']([^"']+)/.exec(stanza)?.[1];
      if (id === undefined || !stanza.includes('disco#info') || !stanza.includes(me.jid)) return false;
      tell = () => {
        client.say(
          `<iq type="result" id="${id}" from="${me.jid}"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="${mam}"/></query></iq>`,
        );
      };
      return true;
    });
    const { house, account } = await past.begin(me);
    await sayAll(bob, me.jid, ['early']);
    await untilStored(house, ['early']);
    const [early] = inTime(house);
    expect(early?.mode).toBe('live');
    tell();
    const noted = await eventually('its place is noted', () => {
      const fields = fieldsOf(house.storage.read(account, `xmpp.archive:${me.jid}`));
      return 'id' in fields ? fields : undefined;
    });
    expect(noted['at']).toBeGreaterThan((early?.at.getTime() ?? Infinity) - 1_000);
  });

  it('is gone on with by the time where it does not know the id any more', async () => {
    const { rig, texts } = await missed(30);
    let refused = 0;
    answering(({ id, stanza }, client) => {
      if (refused > 0 || !stanza.includes('<after>')) return false;
      refused++;
      client.say(error(id, 'item-not-found'));
      return true;
    });
    const { house } = await past.begin(me, { after: rig });
    await untilStored(house, texts);
    expect(refused).toBe(1);
    expect(textsOf(inTime(house))).toEqual(texts);
    expect(gapsOf(house)).toEqual([]);
  });

  it('is a gap where it has let go of what was missed', async () => {
    const { rig, texts } = await missed(3, 3_600_000);
    let answered = false;
    answering(({ id, queryId, stanza }, client) => {
      // What came first is gone as well.
      if (stanza.includes('<max>1<') && stanza.includes('start')) {
        const stamp = new Date(Date.now() + later).toISOString();
        client.say(
          result(queryId, 'first', 'the first that is left').replace(/stamp="[^"]*"/, `stamp="${stamp}"`),
        );
        client.say(fin(id, '<last>first</last>'));
        return true;
      }
      // Nothing older than the end that is asked for; the id is gone.
      if (/var=["']end["']/.test(stanza)) client.say(fin(id, '', true));
      else if (stanza.includes('<after>') && !answered) {
        answered = true;
        client.say(error(id, 'item-not-found'));
      } else return false;
      return true;
    });
    const { house } = await past.begin(me, { after: rig });
    await untilStored(house, texts);
    const [gap, ...more] = gapsOf(house);
    expect(more).toEqual([]);
    expect(gap).toMatchObject({ reason: expect.stringContaining('let go') as unknown });
    expect(gap?.conversation).toBeUndefined();
    const missing = (gap?.until.getTime() ?? 0) - (gap?.from.getTime() ?? 0);
    expect(Math.abs(missing - later)).toBeLessThan(60_000);
  });

  it('is a gap, once, where it refuses to tell, and what comes then is not', async () => {
    const { rig } = await missed(3);
    answering(({ id }, client) => {
      client.say(error(id, 'forbidden', 'auth'));
      return true;
    });
    const second = await past.begin(me, { after: rig });
    await eventually('the gap is told', () => gapsOf(second.house).length === 1);
    await sayAll(bob, me.jid, ['now']);
    await untilStored(second.house, ['now']);
    await second.session.close('asked');
    sandbox.intercept(undefined);
    const third = await past.begin(me, { after: second });
    await sayAll(bob, me.jid, ['and then']);
    await untilStored(third.house, ['and then']);
    expect(gapsOf(third.house)).toHaveLength(1);
  });

  it('is asked again where it does not answer, and nothing that comes meanwhile leaps over what is missing', async () => {
    const { rig, texts } = await missed(30);
    let silent = true;
    let asked = 0;
    answering(({ id }, client) => {
      asked++;
      if (silent && asked % 2 === 0) client.say(error(id, 'internal-server-error', 'wait'));
      return silent;
    });
    const second = await past.begin(me, { after: rig, timings: { history: 100 } });
    await eventually('it was asked', () => asked > 0);
    await sayAll(bob, me.jid, ['live']);
    await untilStored(second.house, ['live']);
    // Everything ends here: what was stored must not say that nothing is missing.
    await second.session.close('fenced');
    silent = false;
    const third = await past.begin(me, { after: second });
    await untilStored(third.house, [...texts, 'live']);
    expect(textsOf(inTime(third.house))).toEqual([...texts, 'live']);
    expect(gapsOf(third.house)).toEqual([]);
  });

  it('may send more than was asked for, pages without an end, and results that are none', async () => {
    const { rig } = await missed(3);
    let pages = 0;
    answering(({ id, queryId }, client) => {
      pages++;
      if (pages === 1) {
        client.say(`<message from="${me.jid}"><result xmlns="${mam}" queryid="${queryId}"/></message>`);
        client.say(
          `<message from="${me.jid}"><result xmlns="${mam}" queryid="${queryId}" id="y"><forwarded xmlns="urn:xmpp:forward:0"/></result></message>`,
        );
        for (let index = 0; index < 1_100; index++)
          client.say(result(queryId, `many-${String(index)}`, `many ${String(index)}`));
        client.say(fin(id, '<last>many-1099</last>'));
      } else {
        // The same page again and again.
        client.say(result(queryId, 'many-1099', 'many 1099'));
        client.say(fin(id, '<last>many-1099</last>'));
      }
      return true;
    });
    const { house } = await past.begin(me, { after: rig });
    await untilStored(house, ['many 0', 'many 999', 'many 1099']);
    await sayAll(bob, me.jid, ['live']);
    await untilStored(house, ['live']);
    expect(pages).toBeLessThan(6);
    expect(new Set(textsOf(inTime(house))).size).toBe(inTime(house).length);
  });

  it('is caught up with live lines at the edges of its pages, each once', async () => {
    const { rig, texts } = await missed(100);
    let page = 0;
    answering(() => {
      // Before each answer somebody speaks: the line comes live, and stands on a later page as well.
      bob.say(me.jid, `edge ${String(page++)}`);
      return false;
    });
    const { house } = await past.begin(me, { after: rig });
    await untilStored(house, texts);
    await eventually('it is caught up with', () => page >= 5);
    sandbox.intercept(undefined);
    await sayAll(bob, me.jid, ['the end']);
    await untilStored(house, ['the end']);
    const stored = textsOf(inTime(house));
    expect(stored).toEqual([...new Set(stored)]);
    expect(stored.filter((text) => text.startsWith('edge'))).toEqual(series('edge', page));
  });

  it('says nothing sure of what is of unknown fate where it may keep nothing, or does not answer', async () => {
    const rig = await past.begin(me);
    if (!can(rig.session, 'resolves-unknown')) throw new Error('it cannot tell');
    const sent = envelopeTo(rig, bob.bare, 'did it arrive?');
    await rig.session.send(sent, never);
    await bob.waitFor('it', ({ attrs }) => attrs['id'] === wireIdOf(sent.id, 0));
    // Somebody to whom nothing was said yet, and preferences that keep nothing.
    sandbox.intercept((stanza, client) => {
      const id = /^<iq [^>]*\bid=["']([^"']+)/.exec(stanza)?.[1] ?? '';
      if (!stanza.includes('<prefs')) return false;
      client.say(
        `<iq type="result" id="${id}" from="${me.jid}"><prefs xmlns="${mam}" default="never"><always/><never/></prefs></iq>`,
      );
      return true;
    });
    const carol = `carol@${sandbox.domain}`;
    expect(await rig.session.resolve(envelopeTo(rig, carol, 'to carol'), never)).toBe('unknown');
    answering(({ id }, client) => {
      client.say(error(id, 'internal-server-error', 'wait'));
      return true;
    });
    expect(await rig.session.resolve(envelopeTo(rig, bob.bare, 'to bob'), never)).toBe('unknown');
    const aborted = AbortSignal.abort();
    expect(await rig.session.resolve(sent, aborted)).toBe('unknown');
  });

  it('moves marks by nobody’s word but our own account’s', async () => {
    const rig = await past.begin(me);
    const client = await sandbox.client(me.user);
    const told = (from: string, by: string): string =>
      `<message from="${from}" type="headline"><event xmlns="http://jabber.org/protocol/pubsub#event">
        <items node="urn:xmpp:mds:displayed:0"><item id="${bob.bare}"><displayed xmlns="urn:xmpp:mds:displayed:0">
        <stanza-id xmlns="urn:xmpp:sid:0" id="s1" by="${by}"/></displayed></item></items></event></message>`;
    client.say(told(bob.bare, me.jid));
    client.say(told(me.jid, bob.bare));
    client.say(told(`${me.jid}.evil`, me.jid));
    await sayAll(bob, me.jid, ['after them']);
    await untilStored(rig.house, ['after them']);
    expect(rig.house.storage.stored.filter(({ type }) => type === 'read')).toEqual([]);
  });
});

describe('the archive of a room', () => {
  let sandbox: SandboxXmpp;
  let past: Past;
  let me: Somebody;
  let bob: PlainXmpp;
  let room: string;
  beforeEach(async () => {
    sandbox = await startSandboxXmpp({ mostOnPage: 20, without: ['stream-management'] });
    past = new Past(serverOf(sandbox));
    me = await past.somebody('alice');
    bob = await past.visit(await past.somebody('bob'));
    room = `lounge@${sandbox.roomDomain}`;
    await bob.join(room, 'bob');
  });
  afterEach(async () => {
    await past[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  });

  /** Was in the room, and is away while things are said there. */
  const missed = async (
    count: number,
  ): Promise<{ readonly rig: PastRig; readonly texts: readonly string[] }> => {
    const rig = await past.begin(me, { rooms: [room] });
    await eventually('we are in', () => sandbox.members(room).length === 2);
    await sayAll(bob, room, ['early']);
    await untilStored(rig.house, ['early']);
    await eventually('its place is noted', () => {
      const noted = rig.house.storage.read(rig.account, `xmpp.archive:${room}`);
      return typeof noted === 'object' && noted !== null && 'id' in noted;
    });
    await rig.session.close('asked');
    const texts = series('missed', count);
    await sayAll(bob, room, texts);
    return { rig, texts: ['early', ...texts] };
  };

  it('is caught up with by itself, in order and once, and fetched further back when asked', async () => {
    const { rig, texts } = await missed(70);
    const { house, session, account } = await past.begin(me, { after: rig, rooms: [room] });
    await sayAll(bob, room, ['live']);
    await untilStored(house, [...texts, 'live']);
    expect(textsOf(inTime(house))).toEqual([...texts, 'live']);
    expect(new Set(inTime(house).map(({ conversation }) => conversation))).toEqual(new Set([room]));
    expect(gapsOf(house)).toEqual([]);
    if (!can(session, 'has-history')) throw new Error('it has no history');
    const page = await session.history(account, { conversation: room, limit: 10 }, never);
    if (page.outcome !== 'done') throw new Error(page.failure.code);
    expect(page.complete).toBe(false);
    expect(page.events.at(-1)).toMatchObject({
      conversation: room,
      remoteId: { scope: room, by: 'network' },
    });
  });

  it('is a gap of that room alone where we may not see it', async () => {
    const { rig } = await missed(3);
    sandbox.intercept((stanza, client) => {
      const id = /^<iq [^>]*\bid=["']([^"']+)/.exec(stanza)?.[1];
      if (id === undefined || !stanza.includes('queryid') || !stanza.includes(room)) return false;
      client.say(
        `<iq type="error" id="${id}" from="${room}"><error type="auth">
          <forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
      );
      return true;
    });
    const { house } = await past.begin(me, { after: rig, rooms: [room] });
    await eventually('the gap is told', () => gapsOf(house).length === 1);
    expect(gapsOf(house)[0]).toMatchObject({ conversation: room });
    await sayAll(bob, room, ['live']);
    await untilStored(house, ['live']);
  });

  it('tells what of ours it has, and what it has not', async () => {
    const rig = await past.begin(me, { rooms: [room] });
    await eventually('we are in', () => sandbox.members(room).length === 2);
    if (!can(rig.session, 'resolves-unknown')) throw new Error('it cannot tell');
    const sent = { ...envelopeTo(rig, room, 'to all'), conversationKind: 'room' as const };
    await rig.session.send(sent, never);
    await untilStored(rig.house, ['to all']);
    expect(await rig.session.resolve(sent, never)).toBe('present');
    const other = { ...envelopeTo(rig, room, 'never'), conversationKind: 'room' as const };
    expect(await rig.session.resolve(other, never)).toBe('absent');
  });
});

describe('a server without an archive', () => {
  it('leaves a gap for each absence, and has no history', async () => {
    await using sandbox = await startSandboxXmpp({ without: ['archive'] });
    await using past = new Past(serverOf(sandbox));
    const me = await past.somebody('alice');
    const bob = await past.visit(await past.somebody('bob'));
    const first = await past.begin(me);
    await sayAll(bob, me.jid, ['early']);
    await untilStored(first.house, ['early']);
    expect(gapsOf(first.house)).toEqual([]);
    await first.session.close('asked');
    const second = await past.begin(me, { after: first });
    await eventually('the absence is told', () => gapsOf(second.house).length === 1);
    const [gap] = gapsOf(second.house);
    expect((gap?.until.getTime() ?? 0) - (gap?.from.getTime() ?? 0)).toBeGreaterThan(0);
    if (!can(second.session, 'has-history') || !can(second.session, 'resolves-unknown'))
      throw new Error('no');
    expect(
      await second.session.history(second.account, { conversation: bob.bare, limit: 5 }, never),
    ).toMatchObject({ outcome: 'refused', failure: { code: 'unsupported' } });
    expect(await second.session.resolve(envelopeTo(second, bob.bare, 'hm'), never)).toBe('unknown');
  });
});
