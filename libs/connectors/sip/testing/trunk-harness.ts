/*
 * What the conformance kit needs of a trunk: an exchange that is joined to it, with plain phones. The exchange says what it has
 * for us on the connection by which we speak to it (so the kit's proxy has both directions in its hands), and on one of its
 * own where that is gone.
 */
import type { JsonObject } from '#connector';
import type { Harness, Login, Network } from '#connector/testing';
import { createSip } from '#connectors/sip';
import { freeSipPort, SipExchange, SipPhone } from '#peers';
import { injections, sipHarness } from './harness.js';
import { observerOn } from './phone-observer.js';
import { brisk } from './rigs.js';

const domain = 'example.org';
const connector = createSip({
  timings: { ...brisk, register: 400, deadline: 2_000, longestRetry: 300 },
});

/** A harness on a trunk. */
export function trunkHarness(): Harness {
  const noServer = (): never => {
    throw new Error('a trunk has no registrar');
  };
  return {
    ...sipHarness(noServer),
    connector,
    start: trunkUp,
    acts: ['injections', 'restarts', 'redelivers', 'receipts', 'typing', 'calls', 'shared-link', 'listens'],
    exceptions: {
      'storage-away':
        'what cannot be held is refused with 503, and each comes again when its sender pleases; see sip.storage.spec',
      'cut-rst': 'connections of a trunk come and go, and nobody is away meanwhile',
      'cut-fin': 'connections of a trunk come and go, and nobody is away meanwhile',
      'send-while-lost': 'connections of a trunk come and go, and nobody is away meanwhile',
      crash: 'connections of a trunk come and go, and nobody is away meanwhile',
    },
  };
}

async function trunkUp(): Promise<Network> {
  const exchange = await SipExchange.open('example.com', await freeSipPort());
  const phones = new Set<SipPhone>();
  let [made, met] = [0, 0];
  let tellsDelivery = false;
  const address = (): string => `alice${String(++made)}@${domain}`;
  const trunk = (port: number, at?: { readonly host: string; readonly port: number }): JsonObject => ({
    domains: [domain],
    listen: [{ transport: 'tcp', port }],
    peers: [
      {
        name: 'exchange',
        ...at,
        transport: 'tcp',
        domains: [exchange.domain],
        addresses: ['127.0.0.1'],
        rate: 10_000,
      },
    ],
  });
  const ports = new Map<string, number>();
  return {
    host: exchange.host,
    port: exchange.port,
    async login(at): Promise<Login> {
      const [own, port] = [address(), await freeSipPort()];
      exchange.join(own, port);
      ports.set(own, port);
      return {
        settings: { mode: 'trunk', rate: 10_000, trunk: trunk(port, { host: at.host, port: at.port }) },
        secrets: {},
        localAddress: own,
        address: own,
      };
    },
    second({ address: first }) {
      const own = address();
      exchange.join(own, ports.get(first) ?? 0);
      return Promise.resolve({ localAddress: own, address: own });
    },
    listening: (port) => ({ trunk: trunk(port) }),
    async observer() {
      const user = `bob${String(++met)}`;
      const phone = await SipPhone.open({
        port: exchange.port,
        domain: exchange.domain,
        user,
        password: '',
      });
      phone.tellsDelivery = tellsDelivery;
      phones.add(phone);
      return observerOn(phone, () => phones.delete(phone));
    },
    unacknowledged: ({ address: own }) => [...phones].reduce((sum, phone) => sum + phone.waiting(own), 0),
    tellReceipts: () => {
      tellsDelivery = true;
      for (const phone of phones) phone.tellsDelivery = true;
      return Promise.resolve();
    },
    stop: () => exchange.stop(),
    restart: () => exchange.start(),
    injections,
    [Symbol.asyncDispose]: () => exchange[Symbol.asyncDispose](),
  };
}
