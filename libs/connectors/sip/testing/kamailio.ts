/* Kamailio with plain phones on it, as the conformance kit needs a SIP server. */
import { randomBytes } from 'node:crypto';
import type { Observer } from '#connector/testing';
import type { Presence } from '#model';
import { Kamailio, SipPhone, type KamailioOptions } from '#peers';
import type { SipServerUp } from './harness.js';

const shown: Readonly<Record<Presence, readonly ['open' | 'closed', string?]>> = {
  chatty: ['open'],
  available: ['open'],
  away: ['open', 'away'],
  'extended-away': ['open', 'away'],
  busy: ['open', 'busy'],
  offline: ['closed'],
  unknown: ['closed'],
};

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

function observerOn(phone: SipPhone, gone: () => void): Observer {
  const none = (): Promise<void> => Promise.resolve();
  const done = (act: () => void): Promise<void> => {
    act();
    return Promise.resolve();
  };
  return {
    address: phone.address,
    say: (to, text) =>
      done(() => {
        void phone.say(to, text);
      }),
    heard: () => phone.heard.map(({ from, text }) => ({ from, text, to: phone.address, kind: 'message' })),
    join: none,
    leave: none,
    show: (presence) => phone.show(...shown[presence]),
    sees: (address) => {
      void phone.watch(address);
      const { pidf } = phone.sees(address);
      if (pidf === '') return undefined;
      if (!/<(?:\w+:)?basic>\s*open/.test(pidf)) return 'offline';
      if (/<(?:\w+:)?busy\b/.test(pidf)) return 'busy';
      return /<(?:\w+:)?away\b/.test(pidf) ? 'away' : 'available';
    },
    ring: (address) =>
      done(() => {
        phone.ring(address);
      }),
    pickUp: () =>
      done(() => {
        phone.pickUp();
      }),
    hangUp: () =>
      done(() => {
        phone.hangUp();
      }),
    phone: () => phone.phone,
    type: (to, active) =>
      done(() => {
        phone.type(to, active);
      }),
    seesTyping: (address) => phone.seesTyping(address),
    async [Symbol.asyncDispose]() {
      gone();
      await phone[Symbol.asyncDispose]();
    },
  };
}
