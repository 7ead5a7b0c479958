import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Answer } from './ask.js';
import { aRequest, aStack, boundPort, closeAll, hopTo, ManualClock } from './stack.fixture.js';
import type { Hop } from './transport/places.js';

afterEach(closeAll);

interface LossyWay {
  readonly hop: Hop;
  /** Packets that came to it, and those of them that were lost. */
  readonly came: () => number;
  readonly lost: () => number;
}

/** A way to a hop on which one packet in three is lost, of both directions, always the same ones. */
async function lossyWay(hop: Hop, seed: number): Promise<LossyWay> {
  const [front, back] = [await boundPort(), await boundPort()];
  let [state, came, lost, client] = [seed, 0, 0, 0];
  const isLost = (): boolean => {
    came++;
    state = (state * 16_807) % 2_147_483_647;
    if (state % 3 !== 0) return false;
    lost++;
    return true;
  };
  front.on('message', (bytes, { port }) => {
    client = port;
    if (!isLost()) back.send(bytes, hop.port, hop.address);
  });
  back.on('message', (bytes) => {
    if (!isLost()) front.send(bytes, client, '127.0.0.1');
  });
  return { hop: { ...hop, port: front.address().port }, came: () => came, lost: () => lost };
}

/** Lets time pass until a fact, and only while nothing is on the way: that a machine is busy is no fault of the network. */
async function passUntil(fact: () => boolean, clock: ManualClock, { came }: LossyWay): Promise<void> {
  // Long after the last timer.
  const end = clock.monotonic() + 120_000;
  while (!fact()) {
    const before = came();
    // From one port to the next a packet takes a turn or two.
    for (let turns = 0; turns < 5; turns++) await turn();
    if (came() === before) clock.advance(50);
    if (clock.monotonic() > end) throw new Error(`never: ${fact.toString()}`);
  }
}

/** What all of them come to. */
async function endsOf<T>(asked: readonly Promise<T>[], clock: ManualClock, way: LossyWay): Promise<T[]> {
  let isOver = false;
  const all = Promise.all(asked).finally(() => {
    isOver = true;
  });
  await passUntil(() => isOver, clock, way);
  return all;
}

describe('with one packet in three lost', () => {
  it('each request ends, and none is handed up twice', async () => {
    const clock = new ManualClock();
    const bob = aStack({
      clock,
      onRequest: (incoming) => {
        bob.asked.push(incoming);
        incoming.respond(200);
      },
    });
    const alice = aStack({ clock });
    const way = await lossyWay(await hopTo(bob.stack), 7);
    const asked = Array.from({ length: 150 }, () =>
      alice.stack.request({ request: aRequest(), hops: [way.hop] }),
    );
    const answers = await endsOf(asked, clock, way);
    const heard = bob.asked.map(({ request }) => request.headers.get('call-id'));
    expect(way.lost()).toBeGreaterThan(100);
    expect(new Set(heard).size).toBe(heard.length);
    const fates = answers.map((answer: Answer) =>
      answer.answer === 'response' ? answer.response.status : `${answer.why} ${String(answer.left)}`,
    );
    // Who got no answer knows that it may have been heard all the same.
    expect(fates.every((fate) => fate === 200 || fate === 'timeout true')).toBe(true);
    expect(fates.filter((fate) => fate === 200).length).toBeGreaterThan(100);
  });

  it('each call is answered once and acknowledged, or refused once', async () => {
    const acked: string[] = [];
    const clock = new ManualClock();
    const bob = aStack({
      clock,
      onRequest: (incoming) => {
        bob.asked.push(incoming);
        incoming.acked = ({ headers }) => acked.push(headers.get('call-id') ?? '');
        incoming.respond(180);
        const isOdd = bob.asked.length % 2 === 1;
        if (isOdd) incoming.respond(486);
        else incoming.respond(200, { headers: { contact: '<sip:bob@127.0.0.1>' } });
      },
    });
    const alice = aStack({ clock });
    const way = await lossyWay(await hopTo(bob.stack), 11);
    const called = Array.from({ length: 60 }, async () => {
      const call = alice.stack.invite({ request: aRequest('INVITE', ''), hops: [way.hop] });
      const answer = await call.answer;
      if (answer.answer === 'response' && answer.response.status === 200) call.ack(answer.response);
      return answer;
    });
    const answers = await endsOf(called, clock, way);
    const heard = bob.asked.map(({ request }) => request.headers.get('call-id'));
    expect(new Set(heard).size).toBe(heard.length);
    const taken = answers.filter((answer) => answer.answer === 'response' && answer.response.status === 200);
    const refused = answers.filter(
      (answer) => answer.answer === 'response' && answer.response.status === 486,
    );
    expect(taken.length + refused.length).toBeGreaterThan(40);
    await passUntil(() => acked.length >= taken.length - 1, clock, way);
    expect(new Set(acked).size).toBe(acked.length);
  });
});
