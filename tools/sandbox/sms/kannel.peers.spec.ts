/* The sandbox's message centre with a client that shares no line with it: Kannel. */
import { expect, it } from '@jest/globals';
import {
  describeWithPeers,
  eventually,
  Kannel,
  kannelInbound,
  kannelPeers,
  kannelReceipts,
  openWebDesk,
} from '#peers';
import { alicesPhone, startSandboxSms } from '../index.js';

const desk = '+12025550100';
const long = 'Family 👩‍👩‍👧‍👦, 日本語 and {more} for €2. '.repeat(6);

describeWithPeers('the sandbox with Kannel as its client', kannelPeers, () => {
  it.each(['transceiver', 'separate'] as const)(
    'carries texts and receipts, across a restart: %s',
    async (binds) => {
      await using web = await openWebDesk();
      await using sandbox = await startSandboxSms({ ids: 'hex-decimal', receiptAfterMs: 50 });
      await using kannel = await Kannel.start({
        inbound: kannelInbound(`${web.url}/in`),
        receipts: kannelReceipts(`${web.url}/receipts`),
        uplink: { port: sandbox.port, username: 'kannel', password: 'secret', binds, idType: 1 },
      });
      await kannel.bound();
      expect(sandbox.bound.map(({ as }) => as).toSorted()).toEqual(
        binds === 'separate' ? ['receiver', 'transmitter'] : ['transceiver'],
      );
      const send = (to: string, text: string): Promise<unknown> =>
        kannel.send({
          from: desk,
          to,
          text,
          coding: '2',
          charset: 'UTF-8',
          'dlr-mask': '31',
          smsc: Kannel.uplink,
        });
      const receipt = (to: string, type: string): Promise<unknown> =>
        eventually(`the receipt of ${to} says ${type}`, () =>
          web.told.some(({ query }) => String(query['to']) === to && String(query['type']) === type),
        );
      await send(alicesPhone, long);
      await sandbox.phone(alicesPhone).waitFor(long);
      await receipt(alicesPhone, '1');
      await send('+12025550199', 'to nobody');
      await receipt('+12025550199', '2');
      await sandbox.restart();
      await sandbox.untilBound(binds === 'separate' ? 2 : 1, 15_000);
      sandbox.phone(alicesPhone).send(desk, 'hello {you} €'.repeat(20));
      const told = await eventually('what she wrote was told', () =>
        web.told.find(({ path }) => path === '/in'),
      );
      expect([told.query['from'], told.query['text']].map(String)).toEqual([
        alicesPhone,
        'hello {you} €'.repeat(20),
      ]);
    },
  );
});
