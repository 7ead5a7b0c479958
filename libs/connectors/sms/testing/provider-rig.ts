/* One session with a provider over HTTP, and the gateway in front of it that the provider calls. */
import {
  acceptsHttp,
  can,
  type HttpAnswer,
  type JsonObject,
  type OutboundEnvelope,
  type RawRequest,
  type SendOutcome,
  type Session,
} from '#connector';
import { TestContext } from '#connector/testing';
import { createSms } from '#connectors/sms';
import { newId, type AccountId, type MessageContent } from '#model';
import { eventually } from '#peers';

export const ownNumber = '+12025550100';
const at = Date.UTC(2026, 0, 1);

export type Call = Partial<Omit<RawRequest, 'at'>> & { readonly url: string };

export class ProviderRig implements AsyncDisposable {
  readonly house: TestContext;
  readonly account: AccountId = newId<'AccountId'>();
  readonly session: Session;
  readonly connector = createSms({
    timings: {
      connect: 1_000,
      answer: 1_500,
      deadline: 2_000,
      firstRetry: 20,
      longestRetry: 100,
      close: 500,
    },
  });
  /** What the gateway has stored and no session has taken, and the ids that it has seen. */
  readonly waiting: JsonObject[] = [];
  readonly #seen = new Set<string>();

  constructor(
    readonly settings: JsonObject,
    readonly secrets: Readonly<Record<string, string>>,
  ) {
    this.house = new TestContext({ secrets });
    this.session = this.connector.open({ id: newId<'LinkId'>(), settings }, this.house);
    this.session.attach({
      id: this.account,
      desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
    });
    this.session.connect();
  }

  static async online(settings: JsonObject, secrets: Readonly<Record<string, string>>): Promise<ProviderRig> {
    const rig = new ProviderRig(settings, secrets);
    await rig.state('online');
    return rig;
  }

  /** Where the provider calls. */
  get address(): string {
    return this.house.ingressUrl(this.account) ?? '';
  }

  async state(state: string): Promise<void> {
    await eventually(`the account is ${state}`, () => this.house.stateOf()?.state === state);
  }

  envelope(to: string, text: string, content: Partial<MessageContent> = {}): OutboundEnvelope {
    return {
      id: newId<'EnvelopeId'>(),
      account: this.account,
      kind: 'message',
      to: to.includes('/') ? to : `${to}/${ownNumber}`,
      conversationKind: 'direct',
      content: { text, ...content },
      attempt: 1,
    };
  }

  send(envelope: OutboundEnvelope): Promise<SendOutcome> {
    return this.session.send(envelope, new AbortController().signal);
  }

  /** The provider calls: what it brings is stored as the gateway does, under its id. */
  call({ method = 'POST', headers = {}, body = Buffer.alloc(0), url }: Call): HttpAnswer {
    if (!acceptsHttp(this.connector)) throw new Error('the connector is called by nobody');
    const outcome = this.connector.ingress(
      { method, url, headers, body, at: new Date(at) },
      { account: this.account, settings: this.settings, secrets: this.secrets },
    );
    if (outcome.outcome === 'refused') return outcome.answer;
    for (const { id, item } of outcome.items) {
      if (id !== undefined && this.#seen.has(id)) continue;
      if (id !== undefined) this.#seen.add(id);
      this.waiting.push(JSON.parse(JSON.stringify(item)) as JsonObject);
    }
    return outcome.answer;
  }

  /** Hands over what waits, in order, until all is taken or the session wants it later. */
  async handOver(): Promise<'taken' | 'later'> {
    const { session, waiting } = this;
    if (!can(session, 'accepts-http')) throw new Error('the session takes nothing in');
    for (let item = waiting[0]; item !== undefined; item = waiting[0]) {
      if ((await session.takeIn(this.account, item)) === 'later') return 'later';
      waiting.shift();
    }
    return 'taken';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close('asked');
    this.house.closed = true;
    if (this.house.breaches.length > 0) throw new Error(this.house.breaches.join('; '));
  }
}
