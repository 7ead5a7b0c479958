/* One account's life on real servers: in, cut off, back, handed over, and out. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { OutboundEnvelope, Session } from '#connector';
import { FaultProxy } from '#connector/testing';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { newId } from '#model';
import {
  describeWithPeers,
  ejabberdPeers,
  eventually,
  plainXmpp,
  prosodyPeers,
  startEjabberd,
  startProsody,
  type PlainXmpp,
  type XmppServer,
} from '#peers';

jest.setTimeout(60_000);

const families = [
  ['Prosody', prosodyPeers, startProsody],
  ['ejabberd', ejabberdPeers, startEjabberd],
] as const;

for (const [name, peers, start] of families) {
  describeWithPeers(`a session on ${name}`, peers, () => {
    let server: XmppServer;
    let bob: PlainXmpp;

    beforeAll(async () => {
      // Nothing is kept for who is away but in the stream itself.
      server = await start({ without: ['offline-messages', 'archive'] });
      await server.createAccount('bob', 'secret-of-bob');
      bob = await plainXmpp({
        port: server.ports.clients,
        domain: server.names.domain,
        user: 'bob',
        password: 'secret-of-bob',
      });
    });
    afterAll(async () => {
      await bob[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    const up = () => ({ ...server, host: '127.0.0.1', port: server.ports.clients });

    describe('talk', () => {
      it('goes both ways, and is sent when the server has it', async () => {
        await using rigs = new Rigs();
        const rig = await rigs.begin({ server: up() });
        await rig.until('online');
        expect(await say(rig, bob.bare, 'good morning')).toMatchObject({ outcome: 'sent' });
        await bob.waitFor('the greeting', (stanza) => JSON.stringify(stanza).includes('good morning'));
        bob.say(rig.jid, 'you too');
        await eventually('bob is heard', () =>
          rig.house.heard().find(({ content }) => content.text === 'you too'),
        );
      });
    });

    describe('a hand-over', () => {
      it('goes on with the stream, and brings what was said meanwhile', async () => {
        await using rigs = new Rigs();
        const rig = await rigs.begin({ server: up() });
        await rig.until('online');
        await rig.session.close('shutdown');
        expect(rig.house.stateOf()).toMatchObject({ state: 'offline' });
        bob.say(rig.jid, 'while nobody listened');
        await bob.ask('get', '<ping xmlns="urn:xmpp:ping"/>', server.names.domain);
        const next = await rigs.begin({ server: up(), after: rig });
        await next.until('online');
        await eventually('it has come', () =>
          next.house.heard().find(({ content }) => content.text === 'while nobody listened'),
        );
        expect(await say(next, bob.bare, 'I am back')).toMatchObject({ outcome: 'sent' });
      });
    });

    describe('a cut', () => {
      it('is resumed, and nothing is lost or said twice', async () => {
        await using rigs = new Rigs();
        await using proxy = await FaultProxy.start({ host: '127.0.0.1', port: server.ports.clients });
        const rig = await rigs.begin({ server: up(), at: proxy });
        await rig.until('online');
        const said = Array.from({ length: 40 }, (_, at) => `line ${String(at)}.`);
        const outcomes = said.map(async (text, at) => {
          if (at === 20) proxy.cut('rst');
          return sayUntilTaken(rig, bob.bare, text);
        });
        expect((await Promise.all(outcomes)).map(({ outcome }) => outcome)).toEqual(said.map(() => 'sent'));
        const heard = (): string[] =>
          bob.raw.flatMap((stanza) => /<body>(line \d+\.)<\/body>/.exec(stanza)?.[1] ?? []);
        await eventually('all are heard', () => heard().length >= said.length);
        expect([...heard()].sort()).toEqual([...said].sort());
      });
    });
  });
}

async function say(rig: Rig, to: string, text: string) {
  return rig.session.send(envelope(rig, to, text), new AbortController().signal);
}

/** As the house does: what is to come later comes again. */
async function sayUntilTaken(rig: Rig, to: string, text: string): ReturnType<Session['send']> {
  const one = envelope(rig, to, text);
  return eventually('it is taken', async () => {
    const outcome = await rig.session.send(one, new AbortController().signal);
    return outcome.outcome === 'later' ? undefined : outcome;
  });
}

function envelope(rig: Rig, to: string, text: string): OutboundEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account: rig.account,
    kind: 'message',
    to,
    conversationKind: 'direct',
    content: { text },
    attempt: 1,
  };
}
