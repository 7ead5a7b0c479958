/* The connector under the house's own suite, as a component: many accounts on one link. */
import { describeConnector } from '#connector/testing';
import { componentHarness } from '#connectors/xmpp/testing';
import { describeWithPeers, prosodyPeers, startProsody } from '#peers';

describeWithPeers('the contract', prosodyPeers, () => {
  describeConnector('xmpp as a component of Prosody', componentHarness(startProsody));
});
