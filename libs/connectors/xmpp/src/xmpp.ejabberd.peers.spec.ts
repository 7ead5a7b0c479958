/* The connector under the house's own suite, on ejabberd. */
import { describeConnector } from '#connector/testing';
import { xmppHarness } from '#connectors/xmpp/testing';
import { describeWithPeers, ejabberdPeers, startEjabberd } from '#peers';

describeWithPeers('the contract', ejabberdPeers, () => {
  describeConnector(
    'xmpp on ejabberd',
    xmppHarness(startEjabberd, {
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
