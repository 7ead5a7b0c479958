/* The connector under the house's own suite, on ejabberd. */
import { describeConnector } from '#connector/testing';
import { xmppHarness } from '#connectors/xmpp/testing';
import { describeWithPeers, ejabberdPeers, startEjabberd } from '#peers';

describeWithPeers('the contract', ejabberdPeers, () => {
  describeConnector(
    'xmpp on ejabberd',
    xmppHarness(startEjabberd, {
      exceptions: {
        'history-ids': 'what comes live bears no time of its own; the archive’s copy does',
        'sent-is-sent':
          'under load its count at a resumption is behind what it has delivered, and we send that again',
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
