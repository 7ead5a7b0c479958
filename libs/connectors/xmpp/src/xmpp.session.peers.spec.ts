/* One account's life on real servers: in, cut off, back, handed over, and out. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { OutboundEnvelope, Session } from '#connector';
import { FaultProxy } from '#connector/testing';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { newId } from '#model';
import { describeXmpp, eventually, type PlainXmpp, type XmppServerOptions } from '#peers';

// Nothing is kept for who is away but in the stream itself.
const options: XmppServerOptions = { without: ['offline-messages', 'archive'] };

describeXmpp(
  'a session on %s',
  (scene) => {
    let bob: PlainXmpp;

    beforeAll(async () => {
      bob = await scene.visit('bob');
    });

    describe('talk', () => {
      it('goes both ways, and is sent when the server has it', async () => {
        await using rigs = new Rigs();
        const rig = await rigs.begin({ server: scene.server });
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
        const rig = await rigs.begin({ server: scene.server });
        await rig.until('online');
        await rig.session.close('shutdown');
        expect(rig.house.stateOf()).toMatchObject({ state: 'offline' });
        bob.say(rig.jid, 'while nobody listened');
        await bob.ask('get', '<ping xmlns="urn:xmpp:ping"/>', scene.server.names.domain);
        const next = await rigs.begin({ server: scene.server, after: rig });
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
        await using proxy = await FaultProxy.start({ host: '127.0.0.1', port: scene.server.ports.clients });
        const rig = await rigs.begin({ server: scene.server, at: proxy });
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
  },
  options,
);

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
