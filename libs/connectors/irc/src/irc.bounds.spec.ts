/*
 * What a server can make a session hold: a bounded amount, however long it goes on. Each kind of line is sent by the ten
 * thousands, every one about somebody or something else, on one connection; then the heap is looked at.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { EmitOutcome, InboundBatch, Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId } from '#model';
import { eventually, scriptedIrc, type ScriptClient, type ScriptServer } from '#peers';
import { createIrc } from './index.js';

jest.setTimeout(120_000);
const lines = 30_000;
/** A hundred bytes that no other line has: what is kept of each line shows. */
const unique = (kind: string, i: number): string => `${kind}${String(i).padStart(8, '0')}${'x'.repeat(90)}`;
/** Thirty thousand of those would be more than 5 MB, and nothing that is meant to be kept is so large. */
const most = 4_000_000;

type Pattern = (i: number) => string | readonly string[];
const somebody = (i: number): string => `:${unique('n', i)}!u@example.org`;
const me = ':alice!u@example.org';
const patterns: Readonly<Record<string, Pattern>> = {
  'our own joins': (i) => `${me} JOIN #${unique('c', i)}`,
  'our own leaving': (i) => `${me} PART #${unique('c', i)}`,
  'our being kicked': (i) => `:bob!b@example.org KICK #${unique('c', i)} alice :out`,
  'our own joining and leaving': (i) => [
    `${me} JOIN #${unique('c', i)}`,
    `:script 353 alice = #${unique('c', i)} :alice ${unique('n', i)}`,
    `:script 366 alice #${unique('c', i)} :End`,
    `${me} PART #${unique('c', i)}`,
  ],
  'coming and going': (i) => [`${somebody(i)} JOIN #lobby`, `${somebody(i)} QUIT :bye`],
  'coming and being renamed': (i) => [
    `:${unique('n', i)}!u@example.org JOIN #lobby`,
    `:${unique('n', i)}!u@example.org NICK ${unique('m', i)}`,
    `:${unique('m', i)}!u@example.org PART #lobby`,
  ],
  'renames of people unseen': (i) => `${somebody(i)} NICK ${unique('m', i)}`,
  'absence of people unseen': (i) => `${somebody(i)} AWAY :${unique('note', i)}`,
  'accounts, hosts and names of people unseen': (i) => [
    `${somebody(i)} ACCOUNT ${unique('a', i)}`,
    `${somebody(i)} CHGHOST user ${unique('h', i)}`,
    `${somebody(i)} SETNAME :${unique('r', i)}`,
  ],
  'what strangers say': (i) =>
    `@msgid=${unique('m', i)};account=${unique('a', i)} ${somebody(i)} PRIVMSG alice :${unique('t', i)}`,
  'strangers who write, and come and go': (i) => [
    `${somebody(i)} PRIVMSG alice :hello`,
    `:script 730 alice :${unique('n', i)}!u@h`,
    `:script 731 alice :${unique('n', i)}`,
  ],
  'what is said in rooms unknown': (i) => `${somebody(i)} PRIVMSG #${unique('c', i)} :hello`,
  'notices of the server': (i) => `:script NOTICE alice :${unique('t', i)}`,
  'what programs ask': (i) => `${somebody(i)} PRIVMSG alice :\x01VERSION\x01`,
  'files on offer': (i) =>
    `${somebody(i)} PRIVMSG alice :\x01DCC SEND ${unique('f', i)} 16909060 5000 123456\x01`,
  'people writing': (i) => `@+typing=active ${somebody(i)} TAGMSG alice`,
  'reactions to nothing': (i) =>
    `@+draft/react=x;+draft/reply=${unique('m', i)} ${somebody(i)} TAGMSG #lobby`,
  'what is taken back': (i) => `${somebody(i)} REDACT #lobby ${unique('m', i)} :oops`,
  'read marks': (i) => `:script MARKREAD #${unique('c', i)} timestamp=2026-01-02T03:04:05.678Z`,
  'invitations and knocking': (i) => [
    `${somebody(i)} INVITE alice #${unique('c', i)}`,
    `:script 710 alice #lobby ${unique('n', i)}!u@h :knocks`,
  ],
  'topics and modes': (i) => [
    `${somebody(i)} TOPIC #${unique('c', i)} :${unique('t', i)}`,
    `${somebody(i)} MODE #lobby +b ${unique('b', i)}`,
  ],
  'batches that never end': (i) => [
    `:script BATCH +${unique('r', i)} chathistory #lobby`,
    `@batch=${unique('r', i)};msgid=${unique('m', i)} ${somebody(i)} PRIVMSG #lobby :of old`,
  ],
  'one history that never ends': (i) => [
    ...(i === 0 ? [':script BATCH +endless chathistory #lobby'] : []),
    `@batch=endless;msgid=${unique('m', i)} ${somebody(i)} PRIVMSG #lobby :${unique('t', i)}`,
  ],
  'one message that never ends': (i) => [
    ...(i === 0 ? [':script BATCH +long draft/multiline #lobby'] : []),
    `@batch=long :bob!b@example.org PRIVMSG #lobby :${unique('t', i)}`,
  ],
  'messages that never end': (i) => [
    `:bob!b@example.org BATCH +${unique('r', i)} draft/multiline #lobby`,
    `@batch=${unique('r', i)} :bob!b@example.org PRIVMSG #lobby :${unique('t', i)}`,
  ],
  'a netsplit that never ends': (i) => [
    ...(i === 0 ? [':script BATCH +split netsplit a b'] : []),
    `@batch=split ${somebody(i)} QUIT :a b`,
  ],
  'answers to what we never asked': (i) => `@label=${unique('l', i)} :script ACK`,
  'refusals of what we never did': (i) => [
    `:script 401 alice ${unique('n', i)} :No such nick`,
    `:script 403 alice #${unique('c', i)} :No such channel`,
    `:script 471 alice #${unique('c', i)} :Full`,
    `:script FAIL REDACT NO ${unique('x', i)} :No`,
  ],
  'what the server says of itself': (i) =>
    `:script 005 alice ${unique('TOKEN', i).toUpperCase()}=${unique('v', i)} :are supported`,
  capabilities: (i) => `:script CAP alice NEW :${unique('example.org/', i)}`,
  'capabilities taken away': (i) => `:script CAP alice DEL :${unique('example.org/', i)}`,
  'who is there': (i) => [
    `:script 730 alice :${unique('n', i)}!u@h`,
    `:script 731 alice :${unique('n', i)}`,
    `:script 732 alice :${unique('n', i)}`,
    `:script 604 alice ${unique('n', i)} u h 0 :online`,
    `:script 303 alice :${unique('n', i)}`,
  ],
  'who they are': (i) => [
    `:script 352 alice #${unique('c', i)} u h script ${unique('n', i)} H :0 Name`,
    `:script 354 alice 152 #lobby u h ${unique('n', i)} G ${unique('a', i)} :Name`,
    `:script 311 alice ${unique('n', i)} u h * :Name`,
    `:script 330 alice ${unique('n', i)} ${unique('a', i)} :is logged in as`,
    `:script 319 alice ${unique('n', i)} :#${unique('c', i)}`,
  ],
  'lists without end': (i) => [
    `:script 322 alice #${unique('c', i)} 5 :${unique('t', i)}`,
    `:script 367 alice #lobby ${unique('b', i)} x 0`,
    `:script 348 alice #lobby ${unique('b', i)} x 0`,
  ],
  'members of rooms that we are not in': (i) => [
    `:script 353 alice = #${unique('c', i)} :${unique('n', i)}`,
    `:script 332 alice #${unique('c', i)} :${unique('t', i)}`,
  ],
};

/** A house that keeps nothing. */
class Sieve extends TestContext {
  override emit(batch: InboundBatch): Promise<readonly EmitOutcome[]> {
    this.logged.splice(0);
    return Promise.resolve(batch.events.map(() => ({ outcome: 'stored' })));
  }
  override capabilities(): void {
    // Not looked at.
  }
  override presence(): void {
    // Not looked at.
  }
  override typing(): void {
    // Not looked at.
  }
  override occupancy(): void {
    // Not looked at.
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The heap in use when all that can go has gone. */
async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((turn) => setImmediate(turn));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

describe('a session holds no more for', () => {
  let server: ScriptServer;
  let session: Session;
  let house: Sieve;

  beforeAll(async () => {
    server = await scriptedIrc({
      caps: [
        'away-notify',
        'batch',
        'cap-notify',
        'draft/chathistory',
        'draft/message-redaction',
        'draft/multiline=max-bytes=4096,max-lines=100',
        'draft/read-marker',
        'echo-message',
        'extended-monitor',
        'labeled-response',
        'message-tags',
        'server-time',
      ],
      tokens: ['MONITOR=100', 'WHOX', 'CHATHISTORY=100'],
    });
    house = new Sieve();
    session = createIrc({ timings: { firstRetry: 20, longestRetry: 50, close: 300, occupancy: 20 } }).open(
      {
        id: newId<'LinkId'>(),
        settings: {
          host: '127.0.0.1',
          port: server.port,
          tls: false,
          nick: 'alice',
          burst: 10_000,
          linesPerSecond: 10_000,
        },
      },
      house,
    );
    session.attach({
      id: newId<'AccountId'>(),
      desired: {
        rooms: [{ address: '#lobby', options: {} }],
        contacts: [],
        presence: { presence: 'available' },
      },
    });
    session.connect();
    await floods((i) => `${somebody(i)} PRIVMSG alice :warm`, 2_000);
  });
  afterAll(async () => {
    await session.close('asked');
    await server[Symbol.asyncDispose]();
  });

  /** The connection that is there now; a server that went too far finds itself connected to anew. */
  async function connected(): Promise<ScriptClient> {
    return eventually(
      `it is online; now ${JSON.stringify(house.stateOf())}`,
      () => {
        if (house.stateOf()?.state === 'needs-person') session.connect();
        const last = server.clients.at(-1);
        return house.stateOf()?.state === 'online' && last?.isClosed === false ? last : undefined;
      },
      20_000,
    );
  }

  /** Sends so many lines and waits until the last has been heard. Answers whether the session bore them all. */
  async function floods(pattern: Pattern, count: number): Promise<boolean> {
    const client = await connected();
    const mark = `end-${String(count)}-${String(client.lines.length)}`;
    for (let from = 0; from < count && !client.isClosed; from += 2_000) {
      const some = Array.from({ length: Math.min(2_000, count - from) }, (_, i) => pattern(from + i)).flat();
      client.write(Buffer.from(`${some.join('\r\n')}\r\n`));
      await client.flushed();
    }
    client.send(`PING :${mark}`);
    await eventually(
      'all is heard',
      () => client.isClosed || client.lines.some((line) => line.startsWith('PONG') && line.includes(mark)),
      60_000,
    );
    return !client.isClosed;
  }

  it.each(Object.keys(patterns))('%s', async (name) => {
    const pattern = patterns[name] ?? (() => '');
    await connected();
    const before = await heap();
    const bore = await floods(pattern, lines);
    // What waits to be told goes in a moment.
    let grown = Infinity;
    await eventually('it holds no more', async () => (grown = (await heap()) - before) < most, 3_000).catch(
      () => undefined,
    );
    expect({ name, bore, grown: grown < most ? 'little' : grown }).toEqual({ name, bore, grown: 'little' });
  });

  it('members beyond those that it lists', async () => {
    const client = await connected();
    client.send(`${me} JOIN #lobby`);
    const before = await heap();
    const names = (i: number): string =>
      `:script 353 alice = #lobby :${Array.from({ length: 40 }, (_, n) => `member${String(i * 40 + n)}`).join(' ')}`;
    await floods(names, 15_000);
    client.send(':script 366 alice #lobby :End');
    await floods((i) => `${somebody(i)} JOIN #lobby`, 5_000);
    expect((await heap()) - before).toBeLessThan(150_000_000);
  });
});
