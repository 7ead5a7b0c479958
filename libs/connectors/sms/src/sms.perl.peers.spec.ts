/* The connector under the house's own suite, on an SMSC in Perl. */
import { describeConnector } from '#connector/testing';
import { smsHarness } from '#connectors/sms/testing';
import { describeWithPeers, perlSmscPeers, PerlSmsc } from '#peers';

describeWithPeers('the contract', perlSmscPeers, () => {
  describeConnector(
    'sms on an SMSC in Perl',
    smsHarness(() => PerlSmsc.start({ ids: 'hex', receipts: 'none' })),
  );
});
