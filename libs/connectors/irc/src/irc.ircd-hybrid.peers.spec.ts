/* The connector under the house's own suite, on IRCD-Hybrid: some of IRCv3, without tags and echoes. */
import { describeConnector } from '#connector/testing';
import { ircHarness } from '#connectors/irc/testing';
import { describeWithPeers, ircdHybrid, startIrcdHybrid } from '#peers';

describeWithPeers('the contract', [ircdHybrid], () => {
  describeConnector('irc on IRCD-Hybrid', ircHarness(startIrcdHybrid, { volume: 60 }));
});
