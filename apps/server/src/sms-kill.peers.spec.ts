/*
 * The first law over SMPP: many people on a message centre through the whole house, over a line that is cut, while our
 * process is killed in the middle of a burst. What was accepted arrived once, or its envelope says that nobody knows; what
 * phones said is stored once, in order; receipts that came in any order moved all envelopes. `npm run soak` makes it five
 * thousand messages out and six kills.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { FaultProxy } from '#connector/testing';
import { describeWithPeers, eventually, PerlSmsc, perlSmscPeers } from '#peers';
import { House } from '../testing/house.js';
import { killTrial, lawfulInOrder, type TrialNetwork } from '../testing/kill-trial.js';
import { MessageCentre } from '../testing/message-centre.js';

const isLong = process.env['PARLEY_SOAK'] !== undefined;
const own = '+12025550100';
const systemId = 'parley';
const password = randomBytes(4).toString('hex');

/** A message centre as a trial needs it. */
interface Centre extends AsyncDisposable {
  readonly port: number;
  readonly password: string;
  say(from: string, to: string, text: string): unknown;
  received(number: string): readonly string[];
  /** How many texts it has taken so far. */
  taken(): number;
  /** What is between us at this moment, either way. */
  underWay(): number;
  /** Whether nothing waits for us. */
  isTaken?(): boolean;
}

interface Breaches {
  /** What was under way at each of them. */
  readonly underWay: readonly number[];
}

function accountAt(port: number, secret = password) {
  return {
    connector: 'sms',
    settings: {
      driver: 'smpp',
      numbers: [own],
      smpp: { host: '127.0.0.1', port, tls: false, systemId, window: 100 },
    },
    secrets: { password: secret },
  };
}

/** People on a centre behind a line that is cut, and kills, in turns, spread over what is sent. */
async function network(
  centre: Centre,
  trial: { people: number; sends: number; cuts: number; kills: number; more?: Record<string, unknown> },
): Promise<TrialNetwork & Breaches> {
  const proxy = await FaultProxy.start({ host: '127.0.0.1', port: centre.port });
  const numbers = Array.from({ length: trial.people }, (_, index) => `+1202556${String(1_000 + index)}`);
  const underWay: number[] = [];
  const breaches = trial.cuts + trial.kills;
  return {
    underWay,
    account: { ...accountAt(proxy.port, centre.password), ...trial.more },
    people: numbers.map((number) => `${number}/${own}`),
    tellsArrival: true,
    say: (person, text) => centre.say(numbers[person] ?? '', own, text),
    received: (person) => centre.received(numbers[person] ?? ''),
    ...(centre.isTaken !== undefined && { isTaken: () => centre.isTaken?.() === true }),
    async disturb(kill) {
      let cuts = 0;
      for (let done = 0; done < breaches; done++) {
        const due = (trial.sends * 0.8 * (done + 1)) / (breaches + 1);
        const inBurst = () => proxy.open > 0 && centre.taken() >= due && centre.underWay() > 0;
        await eventually('there is a burst to break', inBurst, isLong ? 600_000 : 120_000);
        underWay.push(centre.underWay());
        // Cuts and kills in turns, as long as there are both.
        const isCut = cuts < trial.cuts && (done % 2 === 0 || done - cuts >= trial.kills);
        if (isCut) proxy.cut(cuts++ % 2 === 0 ? 'rst' : 'fin');
        else await kill();
      }
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await centre[Symbol.asyncDispose]();
    },
  };
}

async function ourCentre(): Promise<Centre> {
  const centre = await MessageCentre.start({ password, answerMs: 20 });
  return {
    port: centre.port,
    password,
    say: (from, to, text) => {
      centre.say(from, to, text);
    },
    received: (number) => centre.submitted.filter(({ to }) => to === number).map(({ text }) => text),
    taken: () => centre.submitted.length,
    underWay: () => centre.unanswered,
    isTaken: () => centre.waiting === 0,
    [Symbol.asyncDispose]: () => centre[Symbol.asyncDispose](),
  };
}

/** Its ids are hexadecimal in answers and decimal in receipts, which come first; now and then it asks for patience. */
async function perlCentre(): Promise<Centre> {
  const smsc = await PerlSmsc.start({ ids: 'hex', receipts: 'before', throttle: 40 });
  await smsc.route(own, systemId);
  return {
    port: smsc.port,
    password: smsc.password,
    say: (from, to, text) => smsc.say({ from, to, text }),
    received: (number) => smsc.heard.filter(({ to }) => to === number).map(({ text }) => text),
    taken: () => smsc.submitted.length,
    // It answers at once: what is under way is what we have not yet put away.
    underWay: () => 1,
    [Symbol.asyncDispose]: () => smsc[Symbol.asyncDispose](),
  };
}

describe('the first law on SMPP', () => {
  // The short form leaves to the Perl SMSC what a person decides on.
  it.each([['may send', 'resend'], ...(isLong ? [['a person may send', 'ask']] : [])])(
    'loses nothing through cuts and kill -9 in mid-burst, and doubles nothing but what it %s again',
    async (_, onUnknown) => {
      const [sends, people, cuts, kills] = isLong ? [5_000, 200, 4, 6] : [300, 20, 1, 1];
      const between = await network(await ourCentre(), { people, sends, cuts, kills, more: { onUnknown } });
      const trial = await killTrial({
        network: between,
        sends,
        inbound: isLong ? 2_000 : 200,
        kills,
        breathMs: isLong ? 20 : 60,
        seed: 1,
      });
      expect(trial).toMatchObject(lawfulInOrder);
      expect(trial.accepted).toBe(sends);
      if (onUnknown === 'ask') expect(trial.doubled).toBe(0);
      // No more than was on its way when something broke has an unknown fate; each conversation has one under way.
      expect(trial.unknown).toBeLessThanOrEqual(people * (cuts + kills));
      expect(trial.doubled).toBeLessThanOrEqual(trial.unknown);
      // Every time there was something to lose.
      expect(between.underWay).toHaveLength(cuts + kills);
      expect(between.underWay).not.toContain(0);
      if (isLong)
        process.stdout.write(
          `${onUnknown}: ${String(trial.unknown)} unknown, ${String(trial.doubled)} twice\n`,
        );
    },
    isLong ? 1_800_000 : 120_000,
  );

  it('joins a text whose parts came before and after a kill, and takes a receipt that came before its answer', async () => {
    await using centre = await MessageCentre.start({ password });
    await using house = await House.open();
    const { id: account } = await house.ask<{ id: string }>('POST', '/v1/accounts', {
      label: 'Parts',
      ...accountAt(centre.port),
    });
    const [bob, carol] = ['+12025550111', '+12025550112'];
    const message = async (to: string, text: string) => {
      const conversation = await house.ask<{ id: string }>('POST', '/v1/conversations', {
        account,
        address: `${to}/${own}`,
        kind: 'direct',
      });
      const sent = await house.ask<{ id: string }>('POST', `/v1/conversations/${conversation.id}/messages`, {
        text,
      });
      await eventually('it has arrived', async () => {
        const { items } = await house.ask<Envelopes>('GET', `/v1/messages/${sent.id}/envelopes`);
        return items.at(-1)?.state === 'delivered';
      });
      return conversation.id;
    };
    await centre.bound();
    // From now on it is known how this message centre writes its numbers.
    await message(carol, 'the first');

    const part = { reference: 7, of: 3 };
    centre.sayPart(bob, own, { ...part, number: 1, text: 'one ' });
    centre.sayPart(bob, own, { ...part, number: 3, text: 'three' });
    centre.receipt(carol, own, centre.next);
    await eventually('all that was said is taken', () => centre.waiting === 0);
    await house.kill();
    await house.start();
    await centre.bound();
    centre.sayPart(bob, own, { ...part, number: 2, text: 'two ' });
    await message(carol, 'the second');
    const conversation = await message(bob, 'how are you');
    const { items } = await house.ask<{ items: { text: string; origin: string }[] }>(
      'GET',
      `/v1/conversations/${conversation}/messages`,
    );
    expect(items.filter(({ origin }) => origin === 'remote').map(({ text }) => text)).toEqual([
      'one two three',
    ]);
  });
});

interface Envelopes {
  readonly items: readonly { readonly state: string }[];
}

describeWithPeers('the first law on an SMSC in Perl', perlSmscPeers, () => {
  it(
    'loses and doubles nothing through a cut and a kill -9',
    async () => {
      const [sends, people] = isLong ? [1_000, 50] : [100, 10];
      const between = await network(await perlCentre(), { people, sends, cuts: 1, kills: 1 });
      const trial = await killTrial({
        network: between,
        sends,
        inbound: sends,
        kills: 1,
        breathMs: 40,
        seed: 1,
      });
      expect(trial).toMatchObject({ ...lawfulInOrder, doubled: 0 });
      expect(trial.accepted).toBe(sends);
      expect(trial.unknown).toBeLessThanOrEqual(people * 2);
      expect(between.underWay).toHaveLength(2);
    },
    isLong ? 600_000 : 120_000,
  );
});
