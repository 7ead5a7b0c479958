/*
 * How the conformance kit gets a loopback network: a server, logins, observers. Told in the kit's shapes without naming
 * its types, because only a spec may know the kit.
 */
import type { Connector, JsonObject, RawRequest } from '#connector';
import type { Presence } from '#model';
import { loopback } from './loopback.connector.js';
import type { LoopbackEvent } from './loopback.frames.js';
import { signatureHeader, signatureOf } from './loopback.webhooks.js';
import { LoopbackServer } from './server/loopback-server.js';
import type { Change } from './server/network.js';

const password = 'correct horse';
const webhookKey = 'battery staple';

type WithoutTarget<T> = T extends unknown ? Omit<T, 'target' | 'wire' | 'removed'> : never;

/** What an event tells somebody whose address is `own`. */
function heardOf(event: LoopbackEvent, own: string) {
  switch (event.kind) {
    case 'message':
    case 'edit':
    case 'retraction':
    case 'reaction': {
      const text = 'text' in event ? event.text : 'emoji' in event ? event.emoji : '';
      return [
        { from: event.from.address, to: event.room ? event.conversation : own, text, kind: event.kind },
      ];
    }
    case 'receipt':
    case 'room':
    case 'identity':
    case 'contact':
    case 'read':
    case 'departure':
    case 'call':
      return [];
  }
}

function observerOn(server: LoopbackServer, address: string) {
  const said = new Map<string, string>();
  /** What the server does at once, for whoever may have to wait for it. */
  const now = (act: () => void): Promise<void> => {
    act();
    return Promise.resolve();
  };
  return {
    address,
    say: (to: string, text: string) =>
      now(() =>
        said.set(text, server.say(address, to, { text, sid: `${address} said ${String(said.size)}` })),
      ),
    heard: () => server.heard(address).flatMap((event) => heardOf(event, address)),
    join: (room: string) =>
      now(() => {
        server.join(address, room);
      }),
    leave: (room: string) =>
      now(() => {
        server.part(address, room);
      }),
    change: (to: string, text: string, change: WithoutTarget<Change>) =>
      now(() => {
        const target = said.get(text) ?? '';
        server.change(
          address,
          to,
          change.kind === 'reaction' ? { ...change, removed: false, target } : { ...change, target },
        );
      }),
    sendFile: (to: string, { name, bytes }: { readonly name: string; readonly bytes: Uint8Array }) =>
      now(() => {
        const data = Buffer.from(bytes).toString('base64');
        server.say(address, to, { text: '', file: { name, data } });
      }),
    show: (presence: Presence) =>
      now(() => {
        server.presence(address, presence);
      }),
    sees: (other: string) => server.presenceOf(other),
    askToSee: (other: string) =>
      now(() => {
        server.askToSee(address, other);
      }),
    maySee: (other: string) => server.admits(other, address),
    wear: (picture: Uint8Array | undefined) =>
      now(() => {
        server.face(
          address,
          picture && { name: 'face.png', type: 'image/png', data: Buffer.from(picture).toString('base64') },
        );
      }),
    ring: (other: string) =>
      now(() => {
        server.ring(address, other);
      }),
    pickUp: () =>
      now(() => {
        server.pickUp(address);
      }),
    hangUp: () =>
      now(() => {
        server.hangUp(address);
      }),
    phone: () => server.phoneOf(address),
    type: (to: string, active: boolean) =>
      now(() => {
        server.typing(address, to, active);
      }),
    seesTyping: (other: string) => server.writing(address).has(other),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function start(extra: JsonObject) {
  const server = await LoopbackServer.start({ password });
  let made = 0;
  const next = (name: string) => name + String(++made);
  const times = { backoffMs: 4, backoffMaxMs: 30, pingMs: 200, answerMs: 1_000, connectMs: 1_000 };
  return {
    host: server.host,
    port: server.port,
    login: ({ host, port }: { readonly host: string; readonly port: number }) => {
      const name = next('alice');
      return Promise.resolve({
        settings: { host, port, name, consentWords: true, ...times, ...extra },
        secrets: { password, webhookKey },
        wrongSecrets: { password: 'wrong' },
        address: name,
      });
    },
    observer: () => Promise.resolve(observerOn(server, next('bob'))),
    room: () => Promise.resolve(next('#lobby')),
    stop: () => server.stop('bye'),
    restart: () => server.start(),
    unacknowledged: ({ address }: { readonly address: string }) => server.unacknowledged(address),
    tellReceipts: () => {
      server.receipts({ delivered: 1, read: 2 });
      return Promise.resolve();
    },
    injections: ({ address }: { readonly address: string }, to: string) => [
      JSON.stringify({ t: 'send', as: address, wire: 'x', to, text: 'injected' }),
    ],
    marks: ({ address }: { readonly address: string }) => ({
      of: (conversation: string) => server.mark(address, conversation),
      move: (conversation: string, upTo: Date) => {
        server.markElsewhere(address, conversation, upTo);
        return Promise.resolve();
      },
    }),
    webhook: (_login: unknown, url: string, said: { readonly id: string; readonly text: string }) => {
      const body = Buffer.from(JSON.stringify({ from: 'bob', ...said }));
      return {
        method: 'POST',
        url,
        headers: { [signatureHeader]: signatureOf(webhookKey, url, body) },
        body,
      };
    },
    forgeries: (_login: unknown, right: Omit<RawRequest, 'at'>) => [
      { ...right, url: right.url.replace('://', '://not.') },
      { ...right, body: Buffer.concat([right.body, Buffer.from(' ')]) },
      { ...right, headers: { [signatureHeader]: signatureOf('a guess', right.url, right.body) } },
    ],
    listening: (doorbellPort: number) => ({ doorbellPort }),
    second: () => {
      const name = next('carol');
      return Promise.resolve({ localAddress: name, address: name });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** @param extra settings laid over the harness's short times */
export function loopbackHarness(extra: JsonObject = {}, connector: Connector = loopback) {
  return {
    connector,
    start: () => start(extra),
    acts: [
      'rooms',
      'restarts',
      'redelivers',
      'receipts',
      'injections',
      'shared-link',
      'listens',
      'calls',
      'refuses-secrets',
      'changes',
      'presence',
      'admissions',
      'avatars',
      'typing',
      'files',
      'history',
      'marks',
      'webhooks',
      'signed-webhooks',
    ],
    addresses: {
      good: {
        alice: 'alice',
        'Alice.B': 'alice.b',
        '#Lobby': '#lobby',
        '~guest-7': '~guest-7',
        '+4930123': '+4930123',
      },
      bad: ['two words', '##', 'a/b', 'x'.repeat(65)],
    },
    consents: { out: 'STOP', in: 'START', help: 'HELP' },
    timing: { quietMs: 15, silenceMs: 500, backoffMs: 30 },
  } as const;
}
