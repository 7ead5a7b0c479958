/*
 * The families of XMPP servers that a suite runs on, each suite with a server of its own and people on it who use plain
 * clients.
 */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { ejabberdPeers, startEjabberd } from './ejabberd.js';
import { describeWithPeers, type Peer } from './peer.js';
import { prosodyPeers, startProsody } from './prosody.js';
import { plainXmpp, type PlainXmpp, type PlainXmppOptions } from './xmpp-client.js';
import { freshSecret, type XmppServer, type XmppServerOptions } from './xmpp-server.js';

export interface XmppFamily {
  readonly name: 'Prosody' | 'ejabberd';
  /** What must be installed for `start`. */
  readonly peers: readonly Peer[];
  readonly start: (options?: XmppServerOptions) => Promise<XmppServer>;
}

/** Every family that is known to tests: what holds on XMPP holds on each of them. */
export const xmppFamilies: readonly XmppFamily[] = [
  { name: 'Prosody', peers: prosodyPeers, start: startProsody },
  { name: 'ejabberd', peers: ejabberdPeers, start: startEjabberd },
];

/** A server that is up for as long as a suite runs. */
export interface XmppScene {
  readonly family: XmppFamily['name'];
  /** Up from the suite's own `beforeAll` on. */
  readonly server: XmppServer;
  /** Ends something with the suite: after its own `afterAll`, the last first, and before the server. */
  use<T extends AsyncDisposable>(one: T): T;
  /** As `visitXmpp`, ended with the suite. */
  visit(user: string, more?: Partial<PlainXmppOptions>): Promise<PlainXmpp>;
}

/** Runs a suite once on each family; `%s` in its title is the family's name. */
export function describeXmpp(
  title: string,
  suite: (scene: XmppScene) => void,
  options: XmppServerOptions = {},
): void {
  jest.setTimeout(60_000);
  for (const { name, peers, start } of xmppFamilies) {
    describeWithPeers(title.replace('%s', name), peers, () => {
      const stack: AsyncDisposable[] = [];
      const use = <T extends AsyncDisposable>(one: T): T => {
        stack.push(one);
        return one;
      };
      let server: XmppServer | undefined;
      const scene: XmppScene = {
        family: name,
        get server() {
          if (server === undefined) throw new Error('the server is not up yet');
          return server;
        },
        use,
        visit: async (user, more) => use(await visitXmpp(scene.server, user, more)),
      };
      beforeAll(async () => {
        server = use(await start(options));
      });
      suite(scene);
      afterAll(async () => {
        for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
      });
    });
  }
}

/** Somebody on a server, with a plain client: a login is made for them unless `more` has its password. */
export async function visitXmpp(
  server: XmppServer,
  user: string,
  more: Partial<PlainXmppOptions> = {},
): Promise<PlainXmpp> {
  const password = more.password ?? freshSecret();
  if (more.password === undefined) await server.createAccount(user, password);
  return plainXmpp({ port: server.port, domain: server.names.domain, user, ...more, password });
}
