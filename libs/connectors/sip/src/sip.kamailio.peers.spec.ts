/* The connector under the house's own suite, on Kamailio with plain phones around. */
import { describeConnector } from '#connector/testing';
import { kamailioUp, sipHarness } from '#connectors/sip/testing';
import { describeWithPeers, kamailioPeers } from '#peers';

describeWithPeers('the contract', kamailioPeers, () => {
  describeConnector('sip on Kamailio', sipHarness(kamailioUp));
});
