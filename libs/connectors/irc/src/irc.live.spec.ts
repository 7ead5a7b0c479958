/* What a server offers and says of itself changes while we are there; what we do follows. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Rigs } from '#connectors/irc/testing';
import { can, wireIdOf, type OutboundEnvelope } from '#connector';
import { newId, type AccountId } from '#model';
import { eventually, scriptedIrc, type ScriptServer } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';

const rigs = new Rigs();
let open: AsyncDisposable[] = [];
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
  for (const one of open) await one[Symbol.asyncDispose]();
  open = [];
});
async function sandbox(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const server = await startSandboxIrc(options);
  open.push(server);
  return server;
}
const never = new AbortController().signal;
const envelope = (account: AccountId, to: string, text: string): OutboundEnvelope => ({
  id: newId(),
  account,
  kind: 'message',
  to,
  conversationKind: to.startsWith('#') ? 'room' : 'direct',
  content: { text },
  attempt: 1,
});

describe('capabilities', () => {
  it('that are taken back are done without, and asked for again when they return', async () => {
    const server = await sandbox();
    const { house, session, account, until } = rigs.begin({ port: server.port, rooms: ['#here'] });
    await until('online');
    const client = await server.client('alice');
    await eventually('it is in the room', () => server.members('#here').length === 1);
    const say = async (text: string): Promise<string> => {
      const one = envelope(account, '#here', text);
      await session.send(one, never);
      return wireIdOf(one.id, 0);
    };
    const own = (): readonly (string | undefined)[] =>
      house.messages().flatMap(({ origin, wireId }) => (origin === 'own' ? [wireId] : []));
    const first = await say('labelled');
    await eventually('it is echoed', () => own().includes(first));
    server.withdraw('labeled-response');
    server.withdraw('echo-message');
    client.say(':bob!b@example.org PRIVMSG alice :they are gone');
    await eventually('that was heard', () => house.heard().length === 1);
    const second = await say('bare');
    await eventually('it is settled by a PING', () =>
      house
        .receipts()
        .some(({ about, state }) => 'wireId' in about && about.wireId === second && state === 'sent'),
    );
    expect(client.lines.findLast((line) => line.includes(':bare'))).toBe('PRIVMSG #here :bare');
    server.offer('labeled-response');
    server.offer('echo-message');
    await eventually('both hold again', () =>
      ['labeled-response', 'echo-message'].every((cap) => client.caps.has(cap)),
    );
    const third = await say('again');
    await eventually('it is echoed', () => own().includes(third));
  });

  it('that are offered without end are not followed without end', async () => {
    const server = await scriptedIrc({ caps: ['batch'] });
    open.push(server);
    const { house, until } = rigs.begin({ port: server.port });
    await until('online');
    const client = await server.client(1);
    for (let round = 0; round < 500; round++) {
      client.send(`:script CAP alice NEW :vendor/${String(round)} setname`, ':script CAP alice NAK :setname');
    }
    client.send(':bob!b@example.org PRIVMSG alice :after it all');
    await eventually('it goes on', () => house.heard().length === 1);
    expect(client.lines.filter((line) => line.startsWith('CAP REQ'))).toHaveLength(2);
  });
});

describe('ISUPPORT', () => {
  it('sets the pace: SAFERATE lifts ours while it is said', async () => {
    const server = await sandbox();
    // No rate from the person: the usual 10 lines and then one in two seconds.
    const { session, account, until } = rigs.begin({ port: server.port, unhurried: true });
    await until('online');
    const client = await server.client('alice');
    const said = (text: string): number => client.lines.filter((line) => line.endsWith(`:${text}`)).length;
    const speak = (text: string, times: number): void => {
      for (let time = 0; time < times; time++) void session.send(envelope(account, 'alice', text), never);
    };
    if (!can(session, 'paces')) throw new Error('it paces');
    speak('held', 20);
    await eventually('the burst left', () => said('held') > 0 && session.allowance(account).envelopes === 0);
    expect(said('held')).toBeLessThan(12);
    server.setTokens({ SAFERATE: true });
    await eventually('all of it left', () => said('held') === 20);
    server.setTokens({ SAFERATE: false });
    await eventually('we are slow again', () => session.allowance(account).envelopes <= 10);
  });

  it('that floods changes nothing for long', async () => {
    const server: ScriptServer = await scriptedIrc();
    open.push(server);
    const { house, until } = rigs.begin({ port: server.port });
    await until('online');
    const client = await server.client(1);
    const tokens = Array.from({ length: 12 }, (_, at) => `TOKEN${String(at)}=${'x'.repeat(20)}`).join(' ');
    for (let round = 0; round < 3_000; round++) {
      client.send(`:script 005 alice ${tokens} NICKLEN=${String(9 + (round % 5))} :are supported`);
    }
    client.send(':bob!b@example.org PRIVMSG alice :after it all');
    await eventually('it goes on', () => house.heard().length === 1);
    expect(house.stateOf()?.state).toBe('online');
  });
});
