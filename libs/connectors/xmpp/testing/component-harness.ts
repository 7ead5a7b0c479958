/* What the conformance kit needs of a server that hands a domain to us as its component (XEP-0114): a shared link. */
import type { Harness, Login, Network } from '#connector/testing';
import type { XmppServer } from '#peers';
import { xmppHarness } from './harness.js';

/** A harness on a server's component; `more` is laid over what holds for every one. */
export function componentHarness(start: () => Promise<XmppServer>, more: Partial<Harness> = {}): Harness {
  let server: XmppServer | undefined;
  const clients = xmppHarness(async () => {
    server = await start();
    return { ...server, host: '127.0.0.1', port: server.ports.clients };
  });
  return {
    ...clients,
    start: async () => {
      const network = await clients.start();
      if (server === undefined) throw new Error('no server was started');
      return componentOn(network, server);
    },
    acts: ['rooms', 'injections', 'restarts', 'refuses-secrets', 'shared-link'],
    // What a server does for accounts of its own it does not do for those of a component.
    lacks: ['files', 'history', 'blocking'],
    exceptions: {
      'keeps-roster': 'nobody keeps a roster for a component’s accounts',
      resolves: 'nobody keeps an archive for a component’s accounts',
    },
    ...more,
  };
}

function componentOn(clients: Network, server: XmppServer): Network {
  let made = 0;
  const { gateway } = server.names;
  const address = (): string => `guest${String(++made)}@${gateway}`;
  return Object.assign(Object.create(clients) as Network, {
    port: server.ports.component,
    login({ host, port }: { readonly host: string; readonly port: number }): Promise<Login> {
      const own = address();
      return Promise.resolve({
        settings: { mode: 'component', component: gateway, host, port, security: 'none' },
        secrets: { password: server.componentSecret },
        wrongSecrets: { password: `not ${server.componentSecret}` },
        localAddress: own,
        address: own,
        addressIn: (room: string) => `${room}/${own.split('@')[0] ?? ''}`,
      });
    },
    second() {
      const own = address();
      return Promise.resolve({ localAddress: own, address: own });
    },
  });
}
