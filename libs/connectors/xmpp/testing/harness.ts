/*
 * What the conformance kit needs of any XMPP server: a connector with the shortest waits, observers that are plain
 * clients, fresh accounts and rooms. A suite brings the server.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject } from '#connector';
import type { Harness, Login, Network } from '#connector/testing';
import { createXmpp } from '#connectors/xmpp';
import { plainXmpp } from '#peers';
import { Observers } from './observer.js';

/** An XMPP server that is up, as a suite brings it. */
export interface XmppServerUp extends AsyncDisposable {
  readonly host: string;
  /** Where clients go, in clear. */
  readonly port: number;
  readonly names: { readonly domain: string; readonly rooms: string };
  /** Settings beyond address, host, port and security. */
  readonly settings?: JsonObject;
  /** Makes a login, or gives an old one a new password. */
  createAccount(user: string, password: string): Promise<void>;
  /** Ends it so that its port refuses. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const connector = createXmpp({
  timings: {
    find: 1_000,
    connect: 2_000,
    negotiate: 3_000,
    idle: 400,
    answer: 400,
    firstRetry: 20,
    longestRetry: 300,
    throttled: 300,
    resume: 3_000,
    rejoin: 100,
    occupancy: 20,
  },
});

/** A harness on a server; `more` is laid over what holds for every XMPP server. */
export function xmppHarness(server: () => Promise<XmppServerUp>, more: Partial<Harness> = {}): Harness {
  return {
    connector,
    start: async () => networkOn(await server()),
    acts: ['rooms', 'injections', 'restarts', 'refuses-secrets', 'presence', 'admissions', 'avatars'],
    addresses: {
      good: {
        'alice@example.org': 'alice@example.org',
        'Alice@Example.ORG': 'alice@example.org',
        'xmpp:alice@example.org?message': 'alice@example.org',
        'lounge@rooms.example.org/Al': 'lounge@rooms.example.org/Al',
        'grüße@müller.example': 'grüße@müller.example',
        'example.org': 'example.org',
      },
      bad: [
        'two words@example.org',
        '@example.org',
        'alice@',
        'a@b@c',
        'alice@example.org/',
        'al"ice@example.org',
      ],
    },
    timing: { quietMs: 100, silenceMs: 2_000, backoffMs: 1_000 },
    volume: 100,
    ...more,
  };
}

function networkOn(server: XmppServerUp): Network {
  let made = 0;
  const next = (name: string): string => name + String(++made);
  const { domain, rooms } = server.names;
  const account = async (name: string): Promise<{ readonly user: string; readonly password: string }> => {
    const made = { user: next(name), password: randomBytes(9).toString('hex') };
    await server.createAccount(made.user, made.password);
    return made;
  };
  const observers = new Observers(async () =>
    plainXmpp({ port: server.port, domain, ...(await account('bob')) }),
  );
  return {
    host: server.host,
    port: server.port,
    async login({ host, port }): Promise<Login> {
      const own = await account('alice');
      const address = `${own.user}@${domain}`;
      await using device = await plainXmpp({ port: server.port, domain, ...own });
      await observers.befriend(device);
      return {
        settings: { jid: address, host, port, security: 'none', ...server.settings },
        secrets: { password: own.password },
        wrongSecrets: { password: `not ${own.password}` },
        address,
        addressIn: (room) => `${room}/${own.user}`,
      };
    },
    observer: () => observers.make(),
    room: () => Promise.resolve(`${next('lounge')}@${rooms}`),
    stop: () => server.stop(),
    restart: () => server.start(),
    injections: (_login, address) => [
      `</body></message><message to="${address}" type="chat"><body>injected</body></message>`,
      `"/><message to="${address}" type="chat"><body>injected</body></message><x a="`,
      `'/><message to='${address}' type='chat'><body>injected</body></message><x a='`,
      `]]><message to="${address}" type="chat"><body>injected</body></message>`,
    ],
    tellReceipts: () => {
      observers.answersReceipts = true;
      return Promise.resolve();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
    },
  };
}
