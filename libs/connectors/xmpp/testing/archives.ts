/* Sessions and people on a server that keeps archives, for specs about the past; a suite brings the server. */
import { randomBytes } from 'node:crypto';
import type { InboundMessage, JsonObject, OutboundEnvelope, Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId } from '#model';
import { eventually, plainXmpp, type PlainXmpp } from '#peers';
import { createXmpp, type XmppTimings } from '#connectors/xmpp';

/** Waits that a test can afford. */
const brisk: Partial<XmppTimings> = {
  find: 1_000,
  connect: 2_000,
  negotiate: 5_000,
  iq: 5_000,
  history: 10_000,
  firstRetry: 30,
  longestRetry: 120,
  settle: 200,
  close: 400,
};

/** A server that is up. */
export interface ArchivingServer extends AsyncDisposable {
  readonly port: number;
  readonly domain: string;
  createAccount(user: string, password: string): Promise<void>;
}

export interface Somebody {
  readonly user: string;
  readonly password: string;
  readonly jid: string;
}

export interface PastRig {
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  readonly me: Somebody;
}

/** Sessions and clients on one server, closed together. */
export class Past implements AsyncDisposable {
  readonly #server: ArchivingServer;
  readonly #sessions: Session[] = [];
  readonly #clients: PlainXmpp[] = [];

  constructor(server: ArchivingServer) {
    this.#server = server;
  }

  async somebody(name: string): Promise<Somebody> {
    const user = name + randomBytes(4).toString('hex');
    const password = randomBytes(9).toString('hex');
    await this.#server.createAccount(user, password);
    return { user, password, jid: `${user}@${this.#server.domain}` };
  }

  /** A plain client of somebody, another than ours. */
  async visit(
    who: Somebody,
    more: { readonly carbons?: boolean; readonly silent?: boolean } = {},
  ): Promise<PlainXmpp> {
    const { port, domain } = this.#server;
    const client = await plainXmpp({ port, domain, user: who.user, password: who.password, ...more });
    this.#clients.push(client);
    return client;
  }

  /** A session of ours; of an earlier one with what was stored then. */
  async begin(
    me: Somebody,
    options: {
      readonly after?: PastRig;
      readonly settings?: JsonObject;
      readonly timings?: Partial<XmppTimings>;
      readonly rooms?: readonly string[];
    } = {},
  ): Promise<PastRig> {
    const { after } = options;
    const house = new TestContext({ secrets: { password: me.password } });
    // What was stored outlives the session; what it was told does not.
    if (after !== undefined) Object.assign(house, { storage: after.house.storage });
    const account = after?.account ?? newId<'AccountId'>();
    const session = createXmpp({ timings: { ...brisk, ...options.timings } }).open(
      {
        id: newId<'LinkId'>(),
        settings: {
          jid: me.jid,
          host: '127.0.0.1',
          port: this.#server.port,
          security: 'none',
          ...options.settings,
        },
      },
      house,
    );
    this.#sessions.push(session);
    session.attach({
      id: account,
      desired: {
        rooms: (options.rooms ?? []).map((address) => ({ address, options: {} })),
        contacts: [],
        presence: { presence: 'available' },
      },
    });
    session.connect();
    await eventually('the account is online', () => house.stateOf()?.state === 'online');
    return { house, session, account, me };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close('asked')));
    await Promise.all(this.#clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
  }
}

/** The messages of a house, in the order of the network's time; of equal times in that of storage. */
export function inTime(house: TestContext): readonly InboundMessage[] {
  return house.storage.stored
    .flatMap((event) => (event.type === 'message' ? [event] : []))
    .toSorted((one, other) => one.at.getTime() - other.at.getTime());
}

export function textsOf(messages: readonly InboundMessage[]): readonly string[] {
  return messages.map(({ content }) => content.text);
}

export function gapsOf(house: TestContext) {
  return house.storage.stored.flatMap((event) => (event.type === 'gap' ? [event] : []));
}

/** Waits until everything of a series is stored. */
export async function untilStored(house: TestContext, texts: readonly string[]): Promise<void> {
  await eventually(
    `${String(texts.length)} lines are stored`,
    () => {
      const stored = new Set(textsOf(inTime(house)));
      return texts.every((text) => stored.has(text));
    },
    30_000,
  );
}

/** What somebody says, in order; resolves when their server has it. */
export async function sayAll(client: PlainXmpp, to: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) client.say(to, text);
  await client.ask('get', '<ping xmlns="urn:xmpp:ping"/>', client.bare);
}

export function series(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${String(index)}`);
}

export function envelopeTo(rig: PastRig, to: string, text: string): OutboundEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account: rig.account,
    kind: 'message',
    to,
    conversationKind: 'direct',
    content: { text },
    attempt: 1,
  };
}
