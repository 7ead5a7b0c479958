/* The connector under the house's own suite, on ngIRCd: RFC 2812 and next to nothing else. */
import { describeConnector } from '#connector/testing';
import { ircHarness } from '#connectors/irc/testing';
import { describeWithPeers, ngircd, startNgircd } from '#peers';

describeWithPeers('the contract', [ngircd], () => {
  describeConnector('irc on ngIRCd', ircHarness(startNgircd, { volume: 60 }));
});
