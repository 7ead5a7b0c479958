import type { InboundParty } from '#connector';
import type { Source } from './from-irc.js';
import { accountAddress, addressOf } from './irc.addresses.js';

/** Who a line is from, as the house knows people: by nick, and by the services account where the network vouches for it. */
export function partyOf(source: Source, nick: string): InboundParty {
  const address = addressOf(nick);
  return {
    address,
    kind: 'transient',
    ...(nick !== address && { name: nick }),
    ...(source.account !== undefined && { stableAddress: accountAddress(source.account) }),
  };
}
