/*
 * An SMSC that only counts, for benchmarks, as a process of its own: forked, it is told what to do by messages and answers
 * each with what it has seen. It takes whatever is submitted, and hands over texts and receipts with a window of a hundred.
 *
 *   { do: 'count' }                        what was submitted since it was last forgotten, and in how many seconds
 *   { do: 'forget' }
 *   { do: 'close' } { do: 'open' }         refuses connections; takes them again on the same port
 *   { do: 'receipts' }                     tells of all that was submitted that it has arrived; answers with the seconds
 *   { do: 'say', texts, people, to }       texts from phones, each with as many; answers with the seconds
 */
import { buildReceiptText, esmClass, listenSmsc } from '../dist/libs/protocols/smpp/src/index.js';

const width = 100;
let number = 0xa0_0000;
let submitted = [];
let [first, last] = [0, 0];
let smsc = await listen(0);
const { port } = smsc;

process.on('message', (order) => {
  void obey(order).then((answer) => process.send({ ...answer, order: order.order }));
});
process.on('disconnect', () => process.exit());
process.send({ port });

function listen(at) {
  return listenSmsc({ port: at, window: width, incomingLimit: 1_000, onRequest: take });
}

function take({ command, source, destination }) {
  if (command !== 'submit_sm') return undefined;
  last = performance.now();
  if (submitted.length === 0) first = last;
  const id = (++number).toString(16).toUpperCase();
  submitted.push({ id, from: destination, to: source });
  return { messageId: id };
}

async function obey(order) {
  switch (order.do) {
    case 'count':
      return { submitted: submitted.length, seconds: (last - first) / 1_000 };
    case 'forget':
      submitted = [];
      return {};
    case 'close':
      await smsc.close();
      return {};
    case 'open':
      smsc = await listen(port);
      return {};
    case 'receipts':
      return hand(submitted.length, (index) => {
        const { id, from, to } = submitted[index];
        const at = new Date();
        const text = buildReceiptText({ id, state: 'delivered', submitted: at, done: at });
        return {
          source: from,
          destination: to,
          esmClass: esmClass.deliveryReceipt,
          shortMessage: Buffer.from(text),
        };
      });
    case 'say':
      return hand(order.texts, (index) => ({
        source: { ton: 1, npi: 1, addr: order.people[index % order.people.length] },
        destination: { ton: 1, npi: 1, addr: order.to },
        shortMessage: Buffer.from(`text ${index}`),
      }));
  }
}

/** Hands over so many, a hundred at a time; the time until the last is acknowledged. */
async function hand(count, made) {
  const bound = [...smsc.bound].find(({ as, session }) => as !== 'transmitter' && session.isOpen);
  const began = performance.now();
  let next = 0;
  let refused = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        const request = { command: 'deliver_sm', ...made(next++) };
        while ((await bound.session.request(request)).status !== 0) refused++;
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1_000, refused };
}
