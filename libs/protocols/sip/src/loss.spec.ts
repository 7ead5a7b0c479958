import { afterEach, describe, expect, it } from '@jest/globals';
import type { Answer } from './ask.js';
import { aRequest, aStack, boundPort, closeAll, hopTo, until } from './stack.fixture.js';
import type { Hop } from './transport/places.js';

afterEach(closeAll);

/** A way to a hop on which one packet in three is lost, of both directions, always the same ones. */
async function lossyWay(hop: Hop, seed: number): Promise<{ hop: Hop; lost: () => number }> {
  const [front, back] = [await boundPort(), await boundPort()];
  let [state, lost, client] = [seed, 0, 0];
  const isLost = (): boolean => {
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
  return { hop: { ...hop, port: front.address().port }, lost: () => lost };
}

/** A twentieth of the usual. */
const timers = { t1: 25, t2: 200, t4: 250 };

describe('with one packet in three lost', () => {
  it('each request ends, and none is handed up twice', async () => {
    const bob = aStack({
      timers,
      onRequest: (incoming) => {
        bob.asked.push(incoming);
        incoming.respond(200);
      },
    });
    const alice = aStack({ timers });
    const way = await lossyWay(await hopTo(bob.stack), 7);
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => alice.stack.request({ request: aRequest(), hops: [way.hop] })),
    );
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
    const bob = aStack({
      timers,
      onRequest: (incoming) => {
        bob.asked.push(incoming);
        incoming.acked = ({ headers }) => acked.push(headers.get('call-id') ?? '');
        incoming.respond(180);
        const isOdd = bob.asked.length % 2 === 1;
        if (isOdd) incoming.respond(486);
        else incoming.respond(200, { headers: { contact: '<sip:bob@127.0.0.1>' } });
      },
    });
    const alice = aStack({ timers });
    const way = await lossyWay(await hopTo(bob.stack), 11);
    const answers = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const call = alice.stack.invite({ request: aRequest('INVITE', ''), hops: [way.hop] });
        const answer = await call.answer;
        if (answer.answer === 'response' && answer.response.status === 200) call.ack(answer.response);
        return answer;
      }),
    );
    const heard = bob.asked.map(({ request }) => request.headers.get('call-id'));
    expect(new Set(heard).size).toBe(heard.length);
    const taken = answers.filter((answer) => answer.answer === 'response' && answer.response.status === 200);
    const refused = answers.filter(
      (answer) => answer.answer === 'response' && answer.response.status === 486,
    );
    expect(taken.length + refused.length).toBeGreaterThan(40);
    await until(() => acked.length >= taken.length - 1);
    expect(new Set(acked).size).toBe(acked.length);
  });
});
