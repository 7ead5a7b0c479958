/* Somebody with a plain phone, as the conformance kit sees them. */
import type { Observer } from '#connector/testing';
import type { Presence } from '#model';
import type { SipPhone } from '#peers';

const shown: Readonly<Record<Presence, readonly ['open' | 'closed', string?]>> = {
  chatty: ['open'],
  available: ['open'],
  away: ['open', 'away'],
  'extended-away': ['open', 'away'],
  busy: ['open', 'busy'],
  offline: ['closed'],
  unknown: ['closed'],
};

/** @param gone is called when they go. */
export function observerOn(phone: SipPhone, gone: () => void): Observer {
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
