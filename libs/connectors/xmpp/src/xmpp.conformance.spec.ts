/* The connector under the house's own suite, on the sandbox with everything that it offers. */
import { describeConnector } from '#connector/testing';
import { xmppHarness, type XmppServerUp } from '#connectors/xmpp/testing';
import { startSandboxXmpp, type SandboxXmppOptions } from '#sandbox';

async function sandbox(options: SandboxXmppOptions): Promise<XmppServerUp> {
  const server = await startSandboxXmpp(options);
  return {
    host: server.host,
    port: server.port,
    names: { domain: server.domain, rooms: server.roomDomain },
    createAccount: (name, password) => {
      server.addAccount({ name, password });
      return Promise.resolve();
    },
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describeConnector(
  'xmpp on the sandbox',
  xmppHarness(() => sandbox({}), { lacks: ['files'] }),
);
