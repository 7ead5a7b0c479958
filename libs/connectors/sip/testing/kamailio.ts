/* Kamailio with plain phones on it, as the conformance kit needs a SIP server. */
import { randomBytes } from 'node:crypto';
import { Kamailio, SipPhone, type KamailioOptions } from '#peers';
import type { SipServerUp } from './harness.js';
import { observerOn } from './phone-observer.js';

/** Starts one on free loopback ports. */
export async function kamailioUp(options: KamailioOptions = {}): Promise<SipServerUp> {
  const kamailio = await Kamailio.start(options);
  const phones = new Set<SipPhone>();
  let made = 0;
  let tellsDelivery = false;
  return {
    host: kamailio.host,
    port: kamailio.port,
    domain: kamailio.domain,
    createAccount: (user, password) => kamailio.createAccount(user, password),
    async observer() {
      const own = { user: `bob${String(++made)}`, password: randomBytes(9).toString('hex') };
      await kamailio.createAccount(own.user, own.password);
      const phone = await SipPhone.open({ port: kamailio.port, domain: kamailio.domain, ...own });
      phone.tellsDelivery = tellsDelivery;
      phones.add(phone);
      return observerOn(phone, () => phones.delete(phone));
    },
    unacknowledged: (address) => [...phones].reduce((sum, phone) => sum + phone.waiting(address), 0),
    tellReceipts: () => {
      tellsDelivery = true;
      for (const phone of phones) phone.tellsDelivery = true;
    },
    stop: () => kamailio.stop(),
    start: () => kamailio.start(),
    [Symbol.asyncDispose]: () => kamailio[Symbol.asyncDispose](),
  };
}
