/* Storage that is away for a while: SIP cannot be paused, so what is too much is refused, and its sender has it. */
import { expect, it } from '@jest/globals';
import { rigServer, Rigs } from '#connectors/sip/testing';
import { eventually } from '#peers';
import { startSandboxSip } from '#sandbox';

it('holds no more than the house allows, refuses the rest for now, and has each once in the end', async () => {
  await using sandbox = await startSandboxSip();
  await using rigs = new Rigs();
  const alice = await rigs.begin({ server: rigServer(sandbox), settings: { transport: 'tcp' } });
  await alice.until('online');
  const emitLimit = 20;
  Object.assign(alice.house, { emitLimit });
  const { storage } = alice.house;
  const user = alice.address.split('@')[0] ?? '';
  storage.withhold();
  const texts = Array.from({ length: emitLimit * 3 }, (_, index) => `text ${String(index)}`);
  for (const text of texts) sandbox.resident('bob').say(alice.address, text);
  await eventually('the house holds all it can', () => storage.waiting === emitLimit);
  storage.release();
  await eventually('nobody waits any more', () => sandbox.undelivered(user) === 0);
  const heard = alice.house.heard().map(({ content }) => content.text);
  expect(heard.toSorted()).toEqual(texts.toSorted());
  expect(storage.mostOutstanding).toBeLessThanOrEqual(emitLimit);
});
