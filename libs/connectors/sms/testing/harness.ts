/*
 * What the conformance kit needs of a network of phones: a connector with the shortest waits, logins with a number and a
 * system_id of their own, and phones for observers. A suite brings the message centre.
 */
import { randomInt } from 'node:crypto';
import type { Harness, Heard, Login, Network, Observer } from '#connector/testing';
import { createSms } from '#connectors/sms';

/** A message centre that is up, as a suite brings it. */
export interface MessageCentre extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** The one name that it knows us by, where it does not take any. */
  readonly systemId?: string;
  /** What phones have heard, whole texts in order. */
  readonly heard: readonly { readonly from: string; readonly to: string; readonly text: string }[];
  /** What is sent to this number goes to the client of this system_id. */
  route(number: string, systemId: string): Promise<void>;
  /** Switches a phone on, where it must be. */
  phone?(number: string): void;
  /** A phone sends a text. */
  say(text: { readonly from: string; readonly to: string; readonly text: string }): Promise<void>;
  /** How much was delivered to this client, or waits for it, and is not acknowledged. */
  unacknowledged(systemId: string): number;
  /** From now on it tells what became of texts. */
  tellReceipts(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const connector = createSms({
  timings: {
    connect: 2_000,
    answer: 500,
    idle: 300,
    deadline: 2_000,
    firstRetry: 20,
    longestRetry: 300,
    throttled: 50,
    close: 1_000,
  },
});

/** A harness on a message centre; `more` is laid over what holds for every one. */
export function smsHarness(centre: () => Promise<MessageCentre>, more: Partial<Harness> = {}): Harness {
  return {
    connector,
    start: async () => networkOn(await centre()),
    acts: ['restarts', 'redelivers', 'receipts', 'refuses-secrets'],
    addresses: {
      good: {
        '+12025550123/+12025550100': '+12025550123/+12025550100',
        '+1 (202) 555-0123 / +12025550100': '+12025550123/+12025550100',
        'ACME/+12025550100': 'ACME/+12025550100',
        '+447700900456,+1 202 555 0123/+12025550100': '+12025550123,+447700900456/+12025550100',
      },
      bad: [
        '+',
        '12',
        '+1202555012345678',
        'alice@example.org',
        'A name that is long',
        '+12025550123,ACME',
        '/',
      ],
    },
    consents: { out: 'STOP', in: 'START', help: 'HELP' },
    timing: { quietMs: 60, silenceMs: 3_000, backoffMs: 1_500 },
    volume: 100,
    ...more,
  };
}

function networkOn(centre: MessageCentre): Network {
  // Fresh in every suite, so that what an earlier one left in the air reaches nobody.
  let made = randomInt(1_000);
  const number = (prefix: string): string => prefix + String(++made).padStart(4, '0');
  const systemIds = new Map<string, string>();
  return {
    host: centre.host,
    port: centre.port,
    async login({ host, port }): Promise<Login> {
      const own = number('+1202555');
      const systemId = centre.systemId ?? `esme${own.slice(-4)}`;
      systemIds.set(own, systemId);
      await centre.route(own, systemId);
      return {
        settings: { driver: 'smpp', numbers: [own], smpp: { host, port, tls: false, systemId } },
        secrets: { password: centre.password },
        wrongSecrets: { password: 'wrong' },
        address: own,
      };
    },
    observer: () => Promise.resolve(phone(centre, number('+44770090'))),
    unacknowledged: ({ address }) => centre.unacknowledged(systemIds.get(address) ?? ''),
    tellReceipts: () => centre.tellReceipts(),
    stop: () => centre.stop(),
    restart: () => centre.restart(),
    [Symbol.asyncDispose]: () => centre[Symbol.asyncDispose](),
  };
}

function phone(centre: MessageCentre, address: string): Observer {
  centre.phone?.(address);
  const none = (): Promise<void> => Promise.resolve();
  return {
    address,
    conversationWith: (own) => `${address}/${own}`,
    say: (to, text) => centre.say({ from: address, to, text }),
    heard: () =>
      centre.heard.filter(({ to }) => to === address).map((heard): Heard => ({ ...heard, kind: 'message' })),
    join: none,
    leave: none,
    [Symbol.asyncDispose]: none,
  };
}
