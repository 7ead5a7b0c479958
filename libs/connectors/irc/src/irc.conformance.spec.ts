/* The connector under the house's own suite, on the sandbox: with all of IRCv3 and accounts, and as of RFC 1459. */
import { randomBytes } from 'node:crypto';
import { describeConnector } from '#connector/testing';
import { ircHarness, type IrcServerUp } from '#connectors/irc/testing';
import { plainOptions, startSandboxIrc, type SandboxOptions } from '#sandbox';

async function sandbox(options: SandboxOptions, more: Partial<IrcServerUp> = {}): Promise<IrcServerUp> {
  const server = await startSandboxIrc(options);
  return {
    host: server.host,
    port: server.port,
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    ...more,
  };
}

describeConnector(
  'irc on the sandbox',
  ircHarness(
    () => {
      const password = randomBytes(12).toString('hex');
      return sandbox(
        { accounts: [{ name: 'keeper', password }] },
        {
          settings: { saslAccount: 'keeper' },
          secrets: { password },
          observersWith: ['draft/message-redaction'],
        },
      );
    },
    {
      acts: ['rooms', 'injections', 'restarts', 'refuses-secrets', 'changes', 'typing', 'presence'],
      lacks: [],
    },
  ),
);

describeConnector(
  'irc on the sandbox as a server of RFC 1459',
  ircHarness(() => sandbox(plainOptions)),
);
