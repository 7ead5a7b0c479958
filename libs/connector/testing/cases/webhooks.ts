import { expect } from '@jest/globals';
import { acceptsHttp, can, mostItemBytes, type IngressOutcome, type JsonObject } from '#connector';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { WebhookRequest } from '../harness.js';
import type { StorageFault } from '../storage.js';

const calls = { needs: [{ ability: 'accepts-http' }, { act: 'webhooks' }] } as const;

/** Where the provider of a session under test calls. */
function urlOf(rig: Rig): string {
  return rig.context.ingressUrl(rig.account) ?? '';
}

/** What the provider would call with when somebody says this. */
function saying({ network }: Bench, rig: Rig, id: string, text: string): WebhookRequest {
  const made = network.webhook?.(rig.login, urlOf(rig), { id, text });
  if (!made) throw new Error('the harness makes no webhook');
  return made;
}

/** As the gateway asks: without a session. */
function judge({ connector }: Bench, rig: Rig, request: WebhookRequest): IngressOutcome {
  if (!acceptsHttp(connector)) throw new Error('the connector is called by nobody');
  const { settings, secrets } = rig.login;
  return connector.ingress({ ...request, at: new Date(1e12) }, { account: rig.account, settings, secrets });
}

function accepted(bench: Bench, rig: Rig, request: WebhookRequest) {
  const outcome = judge(bench, rig, request);
  if (outcome.outcome !== 'accepted') throw new Error(`refused with ${String(outcome.answer.status)}`);
  return outcome;
}

/** As the worker does, with what has been through the tables. */
async function takeIn(rig: Rig, item: JsonObject): Promise<'taken' | 'later'> {
  const { session } = rig;
  if (!can(session, 'accepts-http')) throw new Error('the session takes nothing in');
  return await session.takeIn(rig.account, JSON.parse(JSON.stringify(item)) as JsonObject);
}

function heard(rig: Rig, text: string): number {
  return rig.context.heard().filter(({ content }) => content.text === text).length;
}

export const webhooks: readonly Case[] = [
  {
    id: 'webhook-accepted',
    sentence:
      'accepts what its provider calls with, under the provider’s id, and takes it in once (§8, AcceptsHttp)',
    ...calls,
    async run(bench) {
      const rig = await bench.rig();
      const text = bench.mark();
      const request = saying(bench, rig, text, text);
      const { items, answer } = accepted(bench, rig, request);
      expect(answer.status).toBeGreaterThanOrEqual(200);
      expect(answer.status).toBeLessThan(300);
      expect(items.length).toBeGreaterThan(0);
      for (const { id, item } of items) {
        expect(id).toMatch(/./);
        expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThanOrEqual(mostItemBytes);
        expect(await takeIn(rig, item)).toBe('taken');
      }
      expect(heard(rig, text)).toBe(1);
    },
  },
  {
    id: 'webhook-replayed',
    sentence:
      'knows what is told again by its ids, and stores it once though a crash lets it be taken in twice (law 3)',
    ...calls,
    async run(bench) {
      const rig = await bench.rig();
      const text = bench.mark();
      const first = accepted(bench, rig, saying(bench, rig, text, text));
      const again = accepted(bench, rig, saying(bench, rig, text, text));
      expect(again.items.map(({ id }) => id)).toEqual(first.items.map(({ id }) => id));
      expect(again.answer).toEqual(first.answer);
      const another = accepted(bench, rig, saying(bench, rig, bench.mark(), text));
      expect(another.items.map(({ id }) => id)).not.toEqual(first.items.map(({ id }) => id));
      for (const { item } of [...first.items, ...first.items]) expect(await takeIn(rig, item)).toBe('taken');
      expect(heard(rig, text)).toBe(1);
    },
  },
  {
    id: 'webhook-forged',
    sentence: 'refuses what somebody calls with who does not know the provider’s key (law 9)',
    needs: [...calls.needs, { act: 'signed-webhooks' }],
    async run(bench) {
      const rig = await bench.rig({ online: false });
      const right = saying(bench, rig, bench.mark(), 'forged');
      expect(judge(bench, rig, right).outcome).toBe('accepted');
      const forgeries = bench.network.forgeries?.(rig.login, right) ?? [];
      for (const request of [{ ...right, headers: {} }, ...forgeries]) {
        const { outcome, answer } = judge(bench, rig, request);
        expect(outcome).toBe('refused');
        expect(Math.floor(answer.status / 100)).toBe(4);
      }
    },
  },
  {
    id: 'webhook-later',
    sentence:
      'takes in later what cannot be stored now or nobody knows to be stored, and has it once in the end (§8, storage)',
    ...calls,
    async run(bench) {
      const rig = await bench.rig();
      const faults: readonly StorageFault[] = [
        { fault: 'not-stored', retryAfterMs: 5 },
        { fault: 'in-doubt', kept: true },
        { fault: 'in-doubt', kept: false },
      ];
      for (const fault of faults) {
        const text = bench.mark();
        const { items } = accepted(bench, rig, saying(bench, rig, text, text));
        rig.context.storage.failNext(fault);
        for (const { item } of items) {
          await rig.until('it is taken', async () => (await takeIn(rig, item)) === 'taken');
        }
        expect(heard(rig, text)).toBe(1);
      }
    },
  },
  {
    id: 'webhook-order',
    sentence: 'keeps what its provider told in the order in which it is offered (§8, order)',
    ...calls,
    async run(bench) {
      const rig = await bench.rig();
      const texts = Array.from({ length: 30 }, () => bench.mark());
      for (const text of texts) {
        for (const { item } of accepted(bench, rig, saying(bench, rig, text, text)).items)
          expect(await takeIn(rig, item)).toBe('taken');
      }
      const told = rig.context.heard().map(({ content }) => content.text);
      expect(told.filter((text) => texts.includes(text))).toEqual(texts);
    },
  },
  {
    id: 'webhook-hostile',
    sentence: 'answers any call within a moment, throws at none and is the same each time (law 9)',
    needs: [{ ability: 'accepts-http' }],
    async run(bench) {
      const rig = await bench.rig({ online: false });
      const url = urlOf(rig);
      const bodies = [
        '',
        '{',
        '[]',
        'null',
        '{"a":'.repeat(20_000),
        'a=%zz&=&b',
        '\0\xff'.repeat(500),
        'a=1&'.repeat(200_000),
      ];
      for (const method of ['POST', 'GET', 'PUT', 'HEAD', 'ODD']) {
        for (const body of bodies) {
          for (const type of [
            'application/json',
            'application/x-www-form-urlencoded',
            'multipart/form-data',
            '\u00ff',
          ]) {
            const request = {
              method,
              url: `${url}?${'x=%00&'.repeat(100)}%`,
              headers: { 'content-type': type, 'x-signature': 'x'.repeat(10_000) },
              body: Buffer.from(body, 'latin1'),
            };
            const from = performance.now();
            const outcome = judge(bench, rig, request);
            const again = judge(bench, rig, request);
            expect((performance.now() - from) / 2).toBeLessThan(500);
            expect(again).toEqual(outcome);
            expect(outcome.answer.status).toBeGreaterThanOrEqual(200);
            expect(outcome.answer.status).toBeLessThan(500);
          }
        }
      }
    },
  },
  {
    id: 'webhook-closed',
    sentence: 'takes nothing in once it is closed (§8, MUST NOT)',
    ...calls,
    async run(bench) {
      const rig = await bench.rig();
      const text = bench.mark();
      const { items } = accepted(bench, rig, saying(bench, rig, text, text));
      await rig.session.close('asked');
      for (const { item } of items) expect(await takeIn(rig, item)).toBe('later');
      expect(heard(rig, text)).toBe(0);
    },
  },
];
