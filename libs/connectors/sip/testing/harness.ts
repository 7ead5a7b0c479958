/*
 * What the conformance kit needs of any SIP server: a connector with the shortest waits, fresh accounts, and observers. A
 * suite brings the server and whoever else is there.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject } from '#connector';
import type { Harness, Login, Network, Observer } from '#connector/testing';
import { createSip } from '#connectors/sip';
import { brisk, type RigServer } from './rigs.js';

/** A SIP server that is up, as a suite brings it. */
export interface SipServerUp extends RigServer, AsyncDisposable {
  /** Settings beyond address, host, port and transport. */
  readonly settings?: JsonObject;
  /** Somebody of its domain who is there; each time somebody else. */
  observer(): Promise<Observer>;
  /** How many texts to this address nobody has acknowledged. */
  unacknowledged(address: string): number;
  /** From now on observers tell what was delivered. */
  tellReceipts(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const connector = createSip({
  timings: { ...brisk, keepAlive: 300, deadline: 2_000, longestRetry: 300 },
  timers: { pongMs: 1_200 },
});

/** A harness on a server; `more` is laid over what holds for every SIP server. */
export function sipHarness(server: () => Promise<SipServerUp>, more: Partial<Harness> = {}): Harness {
  return {
    connector,
    start: async () => networkOn(await server()),
    acts: [
      'injections',
      'restarts',
      'redelivers',
      'receipts',
      'refuses-secrets',
      'presence',
      'typing',
      'calls',
    ],
    addresses: {
      good: {
        'alice@example.org': 'alice@example.org',
        'sip:Alice@Example.ORG;transport=tcp': 'Alice@example.org',
        '"Alice" <sips:alice@example.org:5061>': 'alice@example.org',
        '+1-202-555-0123@example.org': '+12025550123@example.org',
        'alice@[2001:DB8::1]:5070': 'alice@[2001:db8::1]:5070',
      },
      bad: ['two words@example.org', '@example.org', 'alice@', 'http://example.org'],
    },
    timing: { quietMs: 100, silenceMs: 2_000, backoffMs: 1_000 },
    volume: 100,
    exceptions: {
      'storage-away':
        'what cannot be held is refused with 503, and each comes again when its sender pleases; see sip.storage.spec',
    },
    ...more,
  };
}

function networkOn(server: SipServerUp): Network {
  let made = 0;
  return {
    host: server.host,
    port: server.port,
    async login({ host, port }): Promise<Login> {
      const own = { user: `alice${String(++made)}`, password: randomBytes(9).toString('hex') };
      await server.createAccount(own.user, own.password);
      const address = `${own.user}@${server.domain}`;
      return {
        settings: { address, host, port, transport: 'tcp', rate: 10_000, ...server.settings },
        secrets: { password: own.password },
        wrongSecrets: { password: `not ${own.password}` },
        address,
      };
    },
    observer: () => server.observer(),
    unacknowledged: ({ address }) => server.unacknowledged(address),
    tellReceipts: () => {
      server.tellReceipts();
      return Promise.resolve();
    },
    stop: () => server.stop(),
    restart: () => server.start(),
    injections,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A whole request in a text, as one that gets out of its frame would be. */
export function injections({ address: own }: Login, address: string): readonly string[] {
  const message =
    `MESSAGE sip:${address} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKinjected\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:${own}>;tag=1\r\nTo: <sip:${address}>\r\nCall-ID: injected\r\n` +
    'CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\ninjected';
  return [message, `\r\n\r\n${message}`, `\r\nContent-Length: 0\r\n\r\n${message}`];
}
