/* The connector under the house's own suite, on InspIRCd without any IRCv3. */
import { describeConnector } from '#connector/testing';
import { ircHarness, type IrcServerUp } from '#connectors/irc/testing';
import { describeWithPeers, inspircdPeers, startInspircd } from '#peers';

async function ofTheOldKind(): Promise<IrcServerUp> {
  const server = await startInspircd({ plainest: true, hurried: true });
  return Object.assign(server, { port: server.ports.plain });
}

describeWithPeers('the contract', inspircdPeers, () => {
  describeConnector('irc on InspIRCd without IRCv3', ircHarness(ofTheOldKind));
});
