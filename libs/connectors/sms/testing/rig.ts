/* One session on a network of phones, with a house that a test can ask; suites bring the message centre. */
import { randomBytes } from 'node:crypto';
import {
  idsOf,
  type InboundMessage,
  type InboundReceipt,
  type JsonObject,
  type OutboundEnvelope,
  type SendOutcome,
  type Session,
} from '#connector';
import { directText, TestContext } from '#connector/testing';
import { createSms, type SmsTimings } from '#connectors/sms';
import { newId, type AccountId } from '#model';
import { eventually } from '#peers';

/** Waits that a test can afford. */
const brisk: Partial<SmsTimings> = {
  connect: 2_000,
  answer: 5_000,
  deadline: 2_000,
  firstRetry: 30,
  longestRetry: 200,
  throttled: 50,
  close: 1_000,
};

/** Where the message centre is, and with which password it lets us in. */
export interface Centre {
  readonly port: number;
  readonly password: string;
}

export interface RigOptions {
  /** An earlier rig, whose house has kept what it stored. */
  readonly after?: Rig;
  /** Of the SMPP driver. */
  readonly smpp?: JsonObject;
  readonly settings?: JsonObject;
  readonly timings?: Partial<SmsTimings>;
}

export const ownNumber = '+12025550100';

export class Rig implements AsyncDisposable {
  readonly house: TestContext;
  readonly account: AccountId;
  readonly session: Session;
  /** The name under which the message centre knows us. */
  readonly systemId: string;

  constructor({ port, password }: Centre, { after, smpp, settings, timings }: RigOptions = {}) {
    this.house = new TestContext({ secrets: { password } });
    // What was stored outlives the session; what it was told does not.
    if (after !== undefined) Object.assign(this.house, { storage: after.house.storage });
    this.account = after?.account ?? newId<'AccountId'>();
    this.systemId = after?.systemId ?? `parley${randomBytes(3).toString('hex')}`;
    this.session = createSms({ timings: { ...brisk, ...timings } }).open(
      {
        id: newId<'LinkId'>(),
        settings: {
          driver: 'smpp',
          numbers: [ownNumber, '12345'],
          smpp: { host: '127.0.0.1', port, tls: false, systemId: this.systemId, ...smpp },
          ...settings,
        },
      },
      this.house,
    );
    this.session.attach({
      id: this.account,
      desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
    });
    this.session.connect();
  }

  /** A session that is online. */
  static async online(centre: Centre, options?: RigOptions): Promise<Rig> {
    const rig = new Rig(centre, options);
    await eventually('the account is online', () => rig.house.stateOf()?.state === 'online');
    return rig;
  }

  /** Sends a text to a number, with `later` obeyed as the house would. */
  async say(to: string, text: string): Promise<{ envelope: OutboundEnvelope; outcome: SendOutcome }> {
    const envelope = directText(this.account, `${to}/${ownNumber}`, text);
    for (;;) {
      const outcome = await this.session.send(envelope, new AbortController().signal);
      if (outcome.outcome !== 'later') return { envelope, outcome };
      await new Promise<void>((again) =>
        this.house.clock.after(Math.min(outcome.retryAfterMs, 1_500), again),
      );
    }
  }

  heard(): readonly InboundMessage[] {
    return this.house.heard();
  }

  /** Waits for a receipt of one of the ids of a part that was sent. */
  receiptOf(outcome: SendOutcome, state: InboundReceipt['state'], part = 0): Promise<InboundReceipt> {
    const sent = outcome.outcome === 'sent' ? outcome.parts[part] : undefined;
    const ids = [sent?.remoteId, ...(sent?.otherIds ?? [])].flatMap((id) => id?.id ?? []);
    return eventually(`the receipt says ${state}`, () =>
      this.house
        .receipts()
        .find(
          ({ about, ...receipt }) =>
            receipt.state === state && 'remoteId' in about && idsOf(about).some(({ id }) => ids.includes(id)),
        ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close('asked');
  }
}
