/* The sandbox's SIP server with its residents, as the conformance kit needs a SIP server. */
import type { Observer } from '#connector/testing';
import type { Presence } from '#model';
import {
  startSandboxSip,
  type SandboxSip,
  type SandboxSipOptions,
  type SandboxSipResident,
  type SipShow,
} from '#sandbox';
import type { SipServerUp } from './harness.js';
import type { RigServer } from './rigs.js';

const shown: Readonly<Record<Presence, SipShow>> = {
  chatty: 'available',
  available: 'available',
  away: 'away',
  'extended-away': 'away',
  busy: 'busy',
  offline: 'offline',
  unknown: 'offline',
};

/** A sandbox, as the server that rigs sign in to. */
export function rigServer(sandbox: SandboxSip): RigServer {
  return {
    host: sandbox.host,
    port: sandbox.port,
    domain: sandbox.domain,
    createAccount: (user, password) => {
      sandbox.addAccount({ user, password });
      return Promise.resolve();
    },
  };
}

/** Starts one on free loopback ports. */
export async function sandboxUp(options: SandboxSipOptions = {}): Promise<SipServerUp> {
  const sandbox = await startSandboxSip(options);
  const residents: SandboxSipResident[] = [];
  let reports: SandboxSipResident['reports'] = 'nothing';
  return {
    ...rigServer(sandbox),
    observer: () => {
      const resident = sandbox.resident(`bob${String(residents.length + 1)}`);
      resident.reports = reports;
      residents.push(resident);
      return Promise.resolve(observerOn(resident));
    },
    unacknowledged: (address) => sandbox.undelivered(address.slice(0, address.indexOf('@'))),
    tellReceipts: () => {
      reports = 'delivered';
      for (const resident of residents) resident.reports = reports;
    },
    stop: () => sandbox.stop(),
    start: () => sandbox.start(),
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

function observerOn(resident: SandboxSipResident): Observer {
  const none = (): Promise<void> => Promise.resolve();
  const done = (act: () => void): Promise<void> => {
    act();
    return Promise.resolve();
  };
  const { address } = resident;
  return {
    address,
    say: (to, text) =>
      done(() => {
        resident.say(to, text);
      }),
    heard: () => resident.heard().map(({ from, text }) => ({ from, text, to: address, kind: 'message' })),
    join: none,
    leave: none,
    show: (presence) =>
      done(() => {
        resident.show(shown[presence]);
      }),
    sees: (of) => {
      resident.watch(of);
      const seen = resident.sees(of);
      if (seen?.basic === undefined) return undefined;
      if (seen.basic === 'closed') return 'offline';
      return (['busy', 'away'] as const).find((one) => seen.activities.includes(one)) ?? 'available';
    },
    askToSee: (of) =>
      done(() => {
        resident.watch(of);
      }),
    maySee: (of) => resident.maySee(of),
    ring: (of) =>
      done(() => {
        resident.ring(of);
      }),
    pickUp: () =>
      done(() => {
        resident.pickUp();
      }),
    hangUp: () =>
      done(() => {
        resident.hangUp();
      }),
    phone: () => resident.phone,
    type: (to, active) =>
      done(() => {
        resident.types(to, active);
      }),
    seesTyping: (of) => resident.seesTyping(of),
    [Symbol.asyncDispose]: none,
  };
}
