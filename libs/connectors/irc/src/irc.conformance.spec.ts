/* The connector under the house's own suite, on the sandbox: with all of IRCv3 and accounts, and as of RFC 1459. */
import { randomBytes } from 'node:crypto';
import { describeConnector } from '#connector/testing';
import { ircHarness, type IrcServerUp } from '#connectors/irc/testing';
import { plainClient, type PlainClient } from '#peers';
import { plainOptions, startSandboxIrc, type SandboxOptions } from '#sandbox';

async function sandbox(options: SandboxOptions): Promise<IrcServerUp> {
  const server = await startSandboxIrc(options);
  const devices: PlainClient[] = [];
  return {
    host: server.host,
    port: server.port,
    ...(options.caps !== false && { observersWith: ['draft/message-redaction'] }),
    stop: () => server.stop(),
    start: () => server.start(),
    // Each login has an account of its own, and other devices on it: they hear of every mark, and move them.
    ...(options.accounts !== undefined && {
      loginOf: (nick: string) => {
        const password = randomBytes(12).toString('hex');
        server.addAccount({ name: nick, password });
        return { settings: { saslAccount: nick }, secrets: { password } };
      },
      device: async (nick: string) => {
        const capabilities = ['draft/read-marker'];
        const device = await plainClient({ port: server.port, nick: `${nick}-phone`, capabilities });
        devices.push(device);
        server.signIn(device.nick, nick);
        return device;
      },
    }),
    async [Symbol.asyncDispose]() {
      for (const device of devices) await device[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeConnector(
  'irc on the sandbox',
  ircHarness(() => sandbox({ accounts: [] }), {
    acts: [
      'rooms',
      'injections',
      'restarts',
      'history',
      'marks',
      'refuses-secrets',
      'changes',
      'typing',
      'presence',
    ],
    lacks: [],
  }),
);

describeConnector(
  'irc on the sandbox as a server of RFC 1459',
  ircHarness(() => sandbox(plainOptions)),
);
