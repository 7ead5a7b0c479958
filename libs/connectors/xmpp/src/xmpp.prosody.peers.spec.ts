/* The connector under the house's own suite, on Prosody. */
import { describeConnector } from '#connector/testing';
import { xmppHarness } from '#connectors/xmpp/testing';
import { describeWithPeers, prosodyPeers, startProsody } from '#peers';

describeWithPeers('the contract', prosodyPeers, () => {
  describeConnector(
    'xmpp on Prosody',
    xmppHarness(startProsody, {
      exceptions: {
        'history-ids': 'what comes live bears no time of its own; the archive’s copy does',
      },
      acts: [
        'history',
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
