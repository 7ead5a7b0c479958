/*
 * The trial of DESIGN.md's first law: messages go both ways while the server is killed at random moments. Its peer lives
 * in this process, behind a socket, and remembers all that it ever received; a reader resumes by cursor. Afterwards:
 * - every accepted message reached the peer once, or its envelope says `unknown` and why;
 * - every message from the peer that was acknowledged is stored once, and in the end all of them are;
 * - the reader saw every message once, in order, and each frame's `prev` is the cursor it had;
 * - nothing is left in between: no envelope waits or sends, the account is online.
 */
import { LoopbackServer } from '#connectors/loopback';
import { eventually } from '#peers';
import { House, type HouseOptions } from './house.js';

/** The network of a trial, and those on it who talk with the account. */
export interface TrialNetwork extends AsyncDisposable {
  /** What makes the account. */
  readonly account: Readonly<Record<string, unknown>>;
  /** Addresses of those who talk with it. */
  readonly people: readonly string[];
  /** One of them says something to the account. */
  say(person: number, text: string): void;
  /** What one of them has received of it, in order. */
  received(person: number): readonly string[];
  /** Whether the network holds nothing that the account has not acknowledged; absent where nobody can say. */
  isTaken?(): boolean;
  /** Whether it says of each message when it has arrived. */
  readonly tellsArrival?: boolean;
  /** What happens while the trial runs, the kills among it; absent: kills at random moments. */
  disturb?(kill: () => Promise<void>): Promise<void>;
}

export interface TrialOptions extends HouseOptions {
  readonly sends: number;
  readonly inbound: number;
  readonly kills: number;
  /** On the loopback network: whether it can say what became of an envelope of unknown fate. */
  readonly resolvesUnknown?: boolean;
  /** Another network than loopback. */
  readonly network?: TrialNetwork;
  /** Between twenty messages and the next twenty; milliseconds. */
  readonly breathMs?: number;
  /** Seeds the moments of the kills. */
  readonly seed: number;
}

/** What the trial found; the tests say what it must be. */
export interface Findings {
  readonly accepted: number;
  readonly unknown: number;
  /** Messages of unknown fate that were sent again by themselves and that the peer received more than once. */
  readonly doubled: number;
  /** Accepted messages that the peer received more often than that, or neither received nor unknown. */
  readonly wronglySent: readonly string[];
  /** Messages from the peer that are stored more than once or not at all. */
  readonly wronglyStored: readonly string[];
  /** Breaks in what the reader saw. */
  readonly readerFaults: readonly string[];
  readonly stuck: readonly string[];
  /** Conversations in which one side has another order than the other. */
  readonly outOfOrder: readonly string[];
  readonly online: boolean;
}

/** What a trial finds where nothing was lost or doubled. */
export const lawful = {
  wronglySent: [],
  wronglyStored: [],
  readerFaults: [],
  stuck: [],
  online: true,
} satisfies Partial<Findings>;

/** The same, where the network keeps what was said in order: loopback brings what was not acknowledged after the rest. */
export const lawfulInOrder = { ...lawful, outOfOrder: [] } satisfies Partial<Findings>;

const PEERS = 10;
const AT_ONCE = 20;
/** Where an envelope does not stay. */
const unsettled = ['accepted', 'waiting', 'sending'];

interface Frame {
  readonly cursor: string;
  readonly prev: string;
  readonly event: { readonly type: string; readonly subject: string };
}

interface MessageShape {
  readonly id: string;
  readonly text: string;
  readonly origin: string;
  readonly envelopes: readonly { readonly state: string; readonly failure: unknown }[];
}

export async function killTrial(options: TrialOptions): Promise<Findings> {
  await using network = options.network ?? (await loopback(options));
  await using house = await House.open(options);
  const { account, conversations } = await settle(house, network);
  const reader = new Reader(house);
  const ends = new AbortController();
  const reading = reader.run(ends.signal);
  const accepted = new Map<string, string>();
  await Promise.all([
    sendAll(house, conversations, options, accepted),
    sayAll(network, options),
    network.disturb === undefined ? kills(house, options) : network.disturb(() => killOnce(house)),
  ]);
  if (network.isTaken !== undefined) {
    await eventually('the peer’s messages are acknowledged', () => network.isTaken?.(), 60_000);
  }
  const open = new Set([...unsettled, ...(network.tellsArrival === true ? ['sent'] : [])]);
  const perPerson = await quiet(house, conversations, accepted.size + options.inbound, open);
  const messages = perPerson.flat();
  await eventually('the reader has seen all', () => reader.seen.size >= messages.length, 30_000).catch(
    () => undefined,
  );
  ends.abort();
  await reading;
  const { session } = await house.ask<{ session: { state: string } }>('GET', `/v1/accounts/${account}`);
  return {
    ...judge(network, options, accepted, messages, reader, session.state === 'online', open),
    outOfOrder: disorder(network, perPerson),
  };
}

async function loopback({ resolvesUnknown = false }: TrialOptions): Promise<TrialNetwork> {
  const peer = await LoopbackServer.start();
  return {
    account: {
      connector: 'loopback',
      settings: {
        host: '127.0.0.1',
        port: peer.port,
        name: 'alice',
        resolvesUnknown,
        backoffMs: 50,
        backoffMaxMs: 500,
      },
      secrets: {},
    },
    people: Array.from({ length: PEERS }, (_, index) => `bob${String(index)}`),
    say: (person, text) => {
      peer.say(`bob${String(person)}`, 'alice', text);
    },
    received: (person) =>
      peer.received.filter(({ to }) => to === `bob${String(person)}`).map(({ text }) => text),
    isTaken: () => peer.unacknowledged('alice') === 0,
    [Symbol.asyncDispose]: () => peer.stop(),
  };
}

async function settle(house: House, network: TrialNetwork) {
  const account = await house.ask<{ id: string }>('POST', '/v1/accounts', {
    label: 'Trial',
    ...network.account,
  });
  await eventually(
    'the account is online',
    async () => {
      const { session } = await house.ask<{ session: { state: string } }>(
        'GET',
        `/v1/accounts/${account.id}`,
      );
      return session.state === 'online';
    },
    30_000,
  );
  const conversations: string[] = [];
  for (const address of network.people) {
    const { id } = await house.ask<{ id: string }>('POST', '/v1/conversations', {
      account: account.id,
      address,
      kind: 'direct',
    });
    conversations.push(id);
  }
  return { account: account.id, conversations };
}

/** Each send insists under its own key until it is accepted: a lost answer must not double it. */
async function sendAll(
  house: House,
  conversations: readonly string[],
  { sends: count, breathMs }: TrialOptions,
  accepted: Map<string, string>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        const index = next++;
        const text = `out ${String(index)}`;
        const conversation = conversations[index % conversations.length] ?? '';
        const { status, body } = await house.insist<{ id: string }>(
          'POST',
          `/v1/conversations/${conversation}/messages`,
          { text },
          { 'idempotency-key': `trial-${String(index)}` },
        );
        if (status !== 201) throw new Error(`a send was answered ${String(status)}: ${JSON.stringify(body)}`);
        accepted.set(body.id, text);
        if (breathMs !== undefined) await new Promise((breath) => setTimeout(breath, breathMs));
      }
    }),
  );
}

async function sayAll(network: TrialNetwork, { inbound: count, breathMs = 40 }: TrialOptions): Promise<void> {
  for (let index = 0; index < count; index++) {
    network.say(index % network.people.length, `in ${String(index)}`);
    // A breath now and then, so that they are spread over the kills.
    if (index % 20 === 19) await new Promise((breath) => setTimeout(breath, breathMs));
  }
}

async function killOnce(house: House): Promise<void> {
  await house.kill('SIGKILL');
  await house.start();
}

async function kills(house: House, { kills: count, seed }: TrialOptions): Promise<void> {
  let random = seed;
  for (let kill = 0; kill < count; kill++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    await new Promise((moment) => setTimeout(moment, 150 + (random / 2 ** 32) * 900));
    await killOnce(house);
  }
}

/** Follows the log by cursor, page by page, as any client that was away does. */
class Reader {
  readonly seen = new Map<string, number>();
  readonly faults: string[] = [];
  private cursor = '';

  constructor(private readonly house: House) {}

  async run(signal: AbortSignal): Promise<void> {
    this.cursor = (await this.house.insist<{ cursor: string }>('GET', '/v1/snapshot?limit=1')).body.cursor;
    let again = false;
    while (!signal.aborted || again) {
      const { body } = await this.house.insist<{ items: Frame[]; cursor: string; reset?: unknown }>(
        'GET',
        `/v1/events?since=${this.cursor}&limit=200`,
      );
      if (body.reset !== undefined) this.faults.push(`reset: ${JSON.stringify(body.reset)}`);
      for (const frame of body.items) this.take(frame);
      again = body.items.length > 0;
      this.cursor = body.cursor;
      if (!again && !signal.aborted) await new Promise((breath) => setTimeout(breath, 30));
    }
  }

  private take(frame: Frame): void {
    if (frame.prev !== this.cursor) this.faults.push(`prev ${frame.prev} after ${this.cursor}`);
    this.cursor = frame.cursor;
    if (frame.event.type !== 'message.created') return;
    this.seen.set(frame.event.subject, (this.seen.get(frame.event.subject) ?? 0) + 1);
  }
}

/** Waits until nothing is in between any more, and reads all messages. */
async function quiet(
  house: House,
  conversations: readonly string[],
  expected: number,
  open: ReadonlySet<string>,
): Promise<MessageShape[][]> {
  let last: MessageShape[][] = [];
  await eventually(
    'every envelope has a fate',
    async () => {
      last = await Promise.all(conversations.map((id) => history(house, id)));
      const all = last.flat();
      return (
        all.length >= expected && !all.some(({ envelopes }) => envelopes.some(({ state }) => open.has(state)))
      );
    },
    60_000,
  ).catch(() => undefined);
  return last;
}

async function history(house: House, conversation: string): Promise<MessageShape[]> {
  const messages: MessageShape[] = [];
  let before: string | undefined;
  for (;;) {
    const { body } = await house.insist<{ items: MessageShape[]; next?: string }>(
      'GET',
      `/v1/conversations/${conversation}/messages?limit=200${before === undefined ? '' : `&before=${before}`}`,
    );
    messages.unshift(...body.items);
    if (body.next === undefined) return messages;
    before = body.next;
  }
}

function judge(
  network: TrialNetwork,
  options: TrialOptions,
  accepted: ReadonlyMap<string, string>,
  messages: readonly MessageShape[],
  reader: Reader,
  online: boolean,
  open: ReadonlySet<string>,
): Omit<Findings, 'outOfOrder'> {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const received = new Map<string, number>();
  for (const text of network.people.flatMap((_, person) => network.received(person))) {
    received.set(text, (received.get(text) ?? 0) + 1);
  }
  const wronglySent: string[] = [];
  const stuck: string[] = [];
  let unknown = 0;
  let doubled = 0;
  for (const [id, text] of accepted) {
    const states = byId.get(id)?.envelopes.map(({ state }) => state) ?? [];
    const times = received.get(text) ?? 0;
    if (states.includes('unknown')) {
      unknown++;
      // Each time that it was sent again it may have arrived, and the last one whose fate is known has.
      const resent = states.length - 1;
      if (times > 1) doubled++;
      if (
        times > 1 + resent ||
        (times === 0 && !states.every((state) => state === 'unknown')) ||
        byId.get(id)?.envelopes.some(({ state, failure }) => state === 'unknown' && !failure)
      ) {
        wronglySent.push(`${text}: unknown, received ${String(times)} times`);
      }
    } else if (times !== 1 || states[0] === undefined) {
      wronglySent.push(`${text}: ${states.join()}, received ${String(times)} times`);
    }
    for (const state of states) if (open.has(state)) stuck.push(`${text}: ${state}`);
  }
  const stored = new Map<string, number>();
  for (const { text, origin } of messages) {
    if (origin === 'remote') stored.set(text, (stored.get(text) ?? 0) + 1);
  }
  const wronglyStored = Array.from({ length: options.inbound }, (_, index) => `in ${String(index)}`)
    .filter((text) => stored.get(text) !== 1)
    .map((text) => `${text}: stored ${String(stored.get(text) ?? 0)} times`);
  const readerFaults = [
    ...reader.faults,
    ...messages
      .filter(({ id }) => reader.seen.get(id) !== 1)
      .map(({ id, text }) => `${text}: read ${String(reader.seen.get(id) ?? 0)} times`),
  ];
  return {
    accepted: accepted.size,
    unknown,
    doubled,
    wronglySent,
    wronglyStored,
    readerFaults,
    stuck,
    online,
  };
}

/** Compares what each person received with our order of it, and our order of what they said with theirs. */
function disorder(network: TrialNetwork, conversations: readonly (readonly MessageShape[])[]): string[] {
  return conversations.flatMap((messages, person) => {
    const name = network.people[person] ?? '';
    const known = messages
      .filter(
        ({ origin, envelopes }) => origin === 'own' && envelopes.every(({ state }) => state !== 'unknown'),
      )
      .map(({ text }) => text);
    const received = network.received(person).filter((text) => known.includes(text));
    const said = messages
      .filter(({ origin }) => origin === 'remote')
      .map(({ text }) => Number(text.slice(3)));
    return [
      ...(received.join() === known.join()
        ? []
        : [`${name} received ${received.join()} for ${known.join()}`]),
      ...(said.every((one, index) => one > (said[index - 1] ?? -1)) ? [] : [`${name} said ${said.join()}`]),
    ];
  });
}
