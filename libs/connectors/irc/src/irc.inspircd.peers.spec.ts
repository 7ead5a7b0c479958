/* The connector under the house's own suite, on InspIRCd with IRCv3, TLS and services. */
import { randomBytes } from 'node:crypto';
import { describeConnector } from '#connector/testing';
import { ircHarness, type IrcServerUp } from '#connectors/irc/testing';
import { anope, describeWithPeers, inspircdPeers, startAnope, startInspircd } from '#peers';

async function withServices(): Promise<IrcServerUp> {
  const server = await startInspircd({ hurried: true, names: ['127.0.0.1', 'network.invalid'] });
  const account = { nick: 'keeper', password: randomBytes(12).toString('hex') };
  const services = await startAnope(server, [account]);
  return {
    host: server.host,
    port: server.ports.tls,
    plainPort: server.ports.plain,
    settings: { tls: true, saslAccount: account.nick, caCertificate: server.authority.pem },
    secrets: { password: account.password },
    observersWith: [],
    stop: () => server.stop(),
    start: () => server.start(),
    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeWithPeers('the contract', [...inspircdPeers, anope], () => {
  describeConnector(
    'irc on InspIRCd with TLS and services',
    ircHarness(withServices, {
      acts: ['rooms', 'injections', 'refuses-secrets', 'changes', 'typing', 'presence'],
      lacks: ['retractions', 'history', 'read-marks'],
    }),
  );
});
