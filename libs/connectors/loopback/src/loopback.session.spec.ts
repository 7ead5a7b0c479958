import { describe, expect, it } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope, type Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId } from '#model';
import { eventually } from '#peers';
import { loopback, LoopbackServer } from './index.js';

function envelope(account: AccountId, to: string, text: string): OutboundEnvelope {
  const conversationKind = loopback.addresses.kindOf(to);
  return { id: newId(), account, kind: 'message', to, conversationKind, content: { text }, attempt: 1 };
}

async function online(server: LoopbackServer, name: string, context: TestContext, rooms: string[] = []) {
  const account = newId<'AccountId'>();
  const settings = { host: server.host, port: server.port, name, backoffMs: 5, backoffMaxMs: 50 };
  const session: Session = loopback.open({ id: newId<'LinkId'>(), settings }, context);
  session.attach({
    id: account,
    desired: {
      rooms: rooms.map((address) => ({ address, options: {} })),
      presence: { presence: 'available' },
    },
  });
  session.connect();
  await eventually('online', () => context.stateOf()?.state === 'online');
  return { account, session };
}

describe('a loopback session', () => {
  it('sends and receives thousands of messages, pipelined and in order', async () => {
    await using server = await LoopbackServer.start();
    const context = new TestContext();
    const { account, session } = await online(server, 'alice', context);
    const many = 5_000;
    const envelopes = Array.from({ length: many }, (_, i) =>
      envelope(account, 'bob', `message ${String(i)}`),
    );
    let next = 0;
    const lane = async (): Promise<void> => {
      for (;;) {
        const mine = envelopes[next++];
        if (!mine) return;
        const { outcome } = await session.send(mine, new AbortController().signal);
        if (outcome !== 'sent') throw new Error(outcome);
      }
    };
    await Promise.all(Array.from({ length: 256 }, lane));
    expect(server.received.map(({ wire }) => wire)).toEqual(envelopes.map(({ id }) => wireIdOf(id, 0)));
    await eventually('echoes', () => context.messages().length === many);
    for (let i = 0; i < many; i++) server.say('bob', 'alice', `answer ${String(i)}`);
    await eventually('all heard', () => context.heard().length === many);
    await eventually('all acknowledged', () => server.unacknowledged('alice') === 0);
    await session.close('asked');
    expect(context.breaches).toEqual([]);
  });
});
