import { expect, it } from '@jest/globals';
import { LoopbackServer, signatureHeader, signatureOf } from '#connectors/loopback';
import { eventually } from '#peers';
import { House } from '../testing/house.js';

const webhookKey = 'a key that both know';
const callsInAll = 200;
const kills = 2;

it('loses and doubles nothing that a provider was told is taken, through kill -9 at any moment', async () => {
  await using network = await LoopbackServer.start();
  await using house = await House.open();
  const { id, ingressUrl = '' } = await house.ask<{ id: string; ingressUrl?: string }>(
    'POST',
    '/v1/accounts',
    {
      connector: 'loopback',
      label: 'Loop',
      settings: { host: '127.0.0.1', port: network.port, name: 'alice', backoffMs: 50, backoffMaxMs: 500 },
      secrets: { webhookKey },
    },
  );
  expect(ingressUrl.startsWith(`${house.url}/in/${id}/`)).toBe(true);

  /** As providers do: the same call again until somebody takes it. */
  const call = async (n: number): Promise<void> => {
    const body = JSON.stringify({ id: `call ${String(n)}`, from: 'bob', text: `told ${String(n)}` });
    await eventually(
      'the call is taken',
      async () => {
        const headers = { [signatureHeader]: signatureOf(webhookKey, ingressUrl, body) };
        const answer = await fetch(ingressUrl, { method: 'POST', body, headers }).catch(() => undefined);
        return answer?.ok;
      },
      60_000,
    );
    taken++;
  };
  let taken = 0;
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < callsInAll) await call(next++);
  };
  const killer = async (): Promise<void> => {
    for (let kill = 1; kill <= kills; kill++) {
      const enough = (kill * callsInAll) / (kills + 1);
      await eventually('the moment has come', () => taken >= enough, 60_000);
      await house.kill();
      await house.start();
    }
  };
  await Promise.all([...Array.from({ length: 8 }, caller), killer()]);

  const { id: conversation } = await house.ask<{ id: string }>('POST', '/v1/conversations', {
    account: id,
    address: 'bob',
    kind: 'direct',
  });
  const texts = async (): Promise<string[]> => {
    const all: string[] = [];
    let before: string | undefined;
    do {
      const page = await house.ask<{ items: { text: string }[]; next?: string }>(
        'GET',
        `/v1/conversations/${conversation}/messages?limit=200${before === undefined ? '' : `&before=${before}`}`,
      );
      all.push(...page.items.map(({ text }) => text));
      before = page.next;
    } while (before !== undefined);
    return all;
  };
  const stored = await eventually(
    'all are stored',
    async () => {
      const found = await texts();
      return new Set(found).size === callsInAll ? found : undefined;
    },
    30_000,
  );
  expect(stored.sort()).toEqual(Array.from({ length: callsInAll }, (_, n) => `told ${String(n)}`).sort());
}, 180_000);
