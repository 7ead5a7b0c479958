/* The connector under the house's own suite, on Prosody. */
import { describeConnector } from '#connector/testing';
import { xmppHarness } from '#connectors/xmpp/testing';
import { describeWithPeers, prosodyPeers, startProsody } from '#peers';

describeWithPeers('the contract', prosodyPeers, () => {
  describeConnector(
    'xmpp on Prosody',
    xmppHarness(startProsody, {
      acts: [
        'rooms',
        'injections',
        'restarts',
        'refuses-secrets',
        'presence',
        'changes',
        'typing',
        'receipts',
      ],
    }),
  );
});
