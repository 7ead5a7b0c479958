import type { AcceptsHttp, Connector, ConnectorDescription } from '#connector';
import { assess } from './assess.js';
import { capabilities } from './capabilities.js';
import { ingress } from './drivers/ingress.js';
import { smsAddresses } from './sms.addresses.js';
import { SmsSession } from './sms.session.js';
import { readSettings, secretsSchema, settingsSchema, targetsOf } from './sms.settings.js';
import { usualTimings, type SmsTimings } from './timings.js';

const description: ConnectorDescription = {
  protocol: 'sms',
  name: 'SMS',
  mark: 'sms',
  settings: settingsSchema,
  secrets: secretsSchema,
  capabilities,
  abilities: ['paces', 'accepts-http'],
  // The line has a window and a rate of its own; this only keeps one account from filling the house.
  flood: { burst: 10_000, perSecond: 10_000 },
  observes: 'delivered',
  inFlight: { perLane: 1, perLink: 1_000 },
  losses: [
    'What a message centre delivers again after its line broke may be shown twice where it gives texts no ids.',
    'Where the answer to a text of ours was lost with the line, nobody can say whether it left; it is then unknown.',
    'A number may be given to somebody else; the network does not say so.',
  ],
};

/**
 * The connector for SMS: SMPP 3.4 to a message centre, and the other ways to one in drivers/.
 * @param options.timings for tests: other waits than the usual.
 * @param options.spoolDirectory where local modems have their directories; without it there are none.
 */
export function createSms(
  options: { readonly timings?: Partial<SmsTimings>; readonly spoolDirectory?: string | undefined } = {},
): Connector & AcceptsHttp {
  const timings: SmsTimings = { ...usualTimings, ...options.timings };
  return {
    describe: () => description,
    addresses: smsAddresses,
    // A number is the same on all carriers.
    networkOf: () => 'sms',
    targetsOf: (settings) => targetsOf(readSettings(settings)),
    assess: (ask) => assess(ask, readSettings(ask.settings)),
    ingress: (request, to) => ingress(request, to, readSettings(to.settings)),
    open: (link, context) =>
      new SmsSession(readSettings(link.settings), context, timings, options.spoolDirectory),
  };
}
