import type {
  Connector,
  InboundEvent,
  OutboundEnvelope,
  SendOutcome,
  Session,
  SessionContext,
} from '#connector';
import type { AccountId, MessageContent } from '#model';

const at = (): Date => new Date();

/** A network on a stage: what happens there is written by a test. */
export class PlayNetwork {
  readonly #stages = new Map<AccountId, SessionContext>();
  readonly #waiting = new Map<AccountId, () => void>();
  /** What has left. */
  readonly sent: OutboundEnvelope[] = [];
  /** What becomes of an envelope. */
  outcome: (envelope: OutboundEnvelope) => SendOutcome = () => ({ outcome: 'sent', parts: [{}] });

  readonly connector: Connector = {
    describe: () => ({
      protocol: 'play',
      name: 'Play',
      mark: 'play',
      settings: { type: 'object' },
      secrets: { type: 'object' },
      capabilities: { direct: 'native', rooms: 'native', reactions: 'native', edits: 'native' },
      abilities: ['has-rooms', 'shows-typing', 'edits', 'reacts', 'retracts'],
      flood: { burst: 100, perSecond: 100 },
      observes: 'sent',
      inFlight: { perLane: 100, perLink: 100 },
      losses: [],
    }),
    addresses: {
      parse: (raw) => ({ value: raw.toLowerCase(), kind: raw.startsWith('#') ? 'stable' : 'transient' }),
      kindOf: (address) => (address.startsWith('#') ? 'room' : 'direct'),
      display: (address) => address,
    },
    networkOf: () => 'play',
    targetsOf: () => [],
    open: (_link, context) => this.#session(context),
  };

  /** Waits until an account plays. */
  async online(account: AccountId): Promise<void> {
    if (this.#stages.has(account)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(account, resolve);
    });
  }

  async offline(account: AccountId): Promise<void> {
    this.stage(account).state(account, { state: 'offline' });
    await Promise.resolve();
  }

  stage(account: AccountId): SessionContext {
    const stage = this.#stages.get(account);
    if (!stage) throw new Error('this account does not play');
    return stage;
  }

  /** Somebody says something; resolves when it is stored. */
  async say(
    account: AccountId,
    by: string,
    text: string,
    where = by,
    more: { readonly id?: string; readonly content?: Omit<MessageContent, 'text'> } = {},
  ): Promise<void> {
    await this.emit(account, {
      type: 'message',
      account,
      conversation: where,
      conversationKind: where.startsWith('#') ? 'room' : 'direct',
      author: { address: by, kind: 'transient' },
      content: { text, ...more.content },
      origin: 'remote',
      mode: 'live',
      at: at(),
      ...(more.id === undefined ? {} : { remoteId: { scope: 'play', id: more.id, by: 'network' } }),
    });
  }

  /** Somebody takes another name, and the session sees it. */
  async rename(account: AccountId, from: string, to: string): Promise<void> {
    const party = { address: to, kind: 'transient', name: to } as const;
    await this.emit(account, { type: 'identity', account, party, formerly: from, at: at() });
  }

  async topic(account: AccountId, room: string, topic: string): Promise<void> {
    await this.emit(account, {
      type: 'room',
      account,
      conversation: room,
      conversationKind: 'room',
      joined: true,
      topic,
      at: at(),
    });
  }

  async emit(account: AccountId, ...events: InboundEvent[]): Promise<void> {
    const outcomes = await this.stage(account).emit({ events });
    const bad = outcomes.find(({ outcome }) => outcome !== 'stored' && outcome !== 'duplicate');
    if (bad) throw new Error(`not stored: ${JSON.stringify(bad)}`);
  }

  #session(context: SessionContext): Session & Record<string, unknown> {
    const accounts = new Set<AccountId>();
    return {
      attach: ({ id }) => {
        accounts.add(id);
      },
      detach: async (account) => {
        accounts.delete(account);
        this.#stages.delete(account);
        await Promise.resolve();
      },
      connect: () => {
        for (const account of accounts) {
          context.state(account, { state: 'online', localAddress: 'me' });
          this.#stages.set(account, context);
          this.#waiting.get(account)?.();
        }
      },
      close: async () => {
        for (const account of accounts) this.#stages.delete(account);
        await Promise.resolve();
      },
      send: async (envelope) => {
        this.sent.push(envelope);
        return await Promise.resolve(this.outcome(envelope));
      },
      setRooms: () => undefined,
      occupants: () => [],
      typing: () => undefined,
      edits: true,
      reacts: true,
      retracts: true,
    };
  }
}
