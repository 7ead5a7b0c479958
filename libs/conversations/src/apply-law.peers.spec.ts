import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { apply, inboxOf, stateOf, type EventBody, type EventFrame, type Snapshot } from '#api';
import { encodeCursor, type ReaderScope } from '#bus';
import type { AccountId, ConversationId, LogEvent, MessageId, WorkspaceId } from '#model';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { Identities, IdentityViews } from '#roster';
import { ConversationViews } from './conversation.views.js';
import { History } from './history.service.js';
import { House, principalOf, type Page, type Somebody } from './house.fixture.js';
import { MessageViews } from './message.views.js';

/** Numbers that look random and are the same in every run (Lehmer, 1951). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

describeEngines('the apply law', (open) => {
  let test: TestDatabase;
  let house: House;

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  /** Everything that this room and the roster let happen, in some order. */
  class World {
    readonly messages: MessageId[] = [];
    readonly conversations: ConversationId[] = [];
    #names = 0;

    constructor(
      readonly workspace: WorkspaceId,
      readonly account: AccountId,
      readonly alice: Somebody,
      readonly pick: (below: number) => number,
    ) {}

    get who(): ReaderScope {
      return { person: this.alice.id, accounts: new Set([this.account]) };
    }

    one<T>(of: readonly T[]): T {
      const found = of[this.pick(of.length)];
      if (found === undefined) throw new Error('there is nothing to pick from');
      return found;
    }

    async happen(): Promise<void> {
      const { alice } = this;
      const here = `/v1/conversations/${this.one(this.conversations)}`;
      const ask = house.ask.bind(house, alice);
      const acts: (() => Promise<unknown>)[] = [
        () => this.say(),
        () => this.say(),
        () => this.say(),
        async () => await ask('PUT', `${here}/read`, { cursor: await this.someCursor() }),
        () => ask('PUT', `${here}/draft`, { text: this.one(['', 'a', 'b']) }),
        () => ask('PATCH', here, { muted: this.pick(2) === 0 }),
        () => ask('PATCH', here, { pinned: this.pick(2) === 0 }),
        () => ask('DELETE', this.pick(4) === 0 ? `${here}?erase` : here),
        () => this.open(),
        () => this.hide(),
        () => this.rename(),
        () => this.tell(),
      ];
      await this.one(acts)();
    }

    async open(): Promise<void> {
      const address = this.one(['#one', '#two', 'bob', 'carol']);
      const { body } = await house.ask<{ id: ConversationId }>(this.alice, 'POST', '/v1/conversations', {
        account: this.account,
        address,
      });
      if (!this.conversations.includes(body.id)) this.conversations.push(body.id);
    }

    private async say(): Promise<void> {
      const said = Array.from({ length: 1 + this.pick(3) }, () => ({
        by: this.one(['bob', 'carol', 'dave']),
        mode: this.one(['live', 'live', 'catch-up', 'history'] as const),
        origin: this.one(['remote', 'remote', 'other-device'] as const),
        kind: this.one(['message', 'message', 'topic']),
      }));
      this.messages.push(...(await house.say(this.one(this.conversations), ...said)));
    }

    private async someCursor(): Promise<string> {
      return encodeCursor(BigInt(this.pick(Number(await house.head(this.workspace)) + 1)));
    }

    private async hide(): Promise<void> {
      if (this.messages.length === 0) return;
      // Some are hidden already, which is refused.
      await house
        .get(History)
        .hide(principalOf(this.alice), this.one(this.messages))
        .catch(() => undefined);
    }

    private async rename(): Promise<void> {
      const address = this.one(['bob', 'carol', 'dave']);
      const to = { address, kind: 'transient', name: `${address} ${String(this.#names++)}` } as const;
      await house.database.transaction(async (sql) => {
        const change = { account: this.account, from: address, to, at: new Date() };
        const { events } = await house.get(Identities).rename(sql, [change]);
        await house.log.append(sql, this.workspace, events);
      });
    }

    private async tell(): Promise<void> {
      const facts = { topic: `topic ${String(this.#names++)}`, joined: this.pick(2) === 0 };
      await house.database.transaction(async (sql) => {
        const conversation = this.one(this.conversations);
        const events = await house.intake.saveRooms(sql, [{ conversation, ...facts }]);
        await house.log.append(sql, this.workspace, events);
      });
    }

    /** The log first, then what is there; `meanwhile`, something may happen between the two. */
    async snapshot(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<Snapshot> {
      const cursor = encodeCursor(await house.head(this.workspace));
      await meanwhile();
      const { body } = await house.ask<Page<Snapshot['conversations'][number]>>(
        this.alice,
        'GET',
        '/v1/conversations?limit=200',
      );
      return { cursor, person: this.alice.id, accounts: [], conversations: [...body.items], calls: [] };
    }

    /** What a reader who comes now is told since a snapshot. */
    async since(snapshot: Snapshot): Promise<EventFrame[]> {
      const after = BigInt(parseInt(snapshot.cursor.slice(1), 36));
      const frames: EventFrame[] = [];
      let prev = snapshot.cursor;
      for (const event of await house.events(this.workspace, after, this.who)) {
        const cursor = encodeCursor(event.sequence);
        const { id, type, subject } = event;
        const data = await this.render(event);
        frames.push({ cursor, prev, event: { id, type, at: event.at.toISOString(), subject, data } });
        prev = cursor;
      }
      return frames;
    }

    private async render({ type, subject, data }: LogEvent): Promise<EventBody> {
      const conversations = house.get(ConversationViews);
      const body: { [K in keyof EventBody]: EventBody[K] | undefined } = {};
      const [kind] = type.split('.');
      if (kind === 'identity') body.identity = (await house.get(IdentityViews).byIds([subject])).get(subject);
      if (kind === 'conversation') body.conversation = (await conversations.byIds([subject])).get(subject);
      if (kind === 'read' || kind === 'draft') {
        body.mark = (await conversations.marks([subject], this.alice.id)).get(subject);
      }
      if (kind === 'message' && data['hidden'] === undefined) {
        body.message = (await house.get(MessageViews).byIds([subject], this.who)).get(subject);
      }
      if (data['hidden'] !== undefined) {
        const [mine] = await conversations.mine([String(data['conversation'])], this.who);
        body.hidden = subject as MessageId;
        body.message = mine?.lastMessage ?? undefined;
      }
      // What is undefined is left out, as it is on the wire.
      return JSON.parse(JSON.stringify(body)) as EventBody;
    }
  }

  it.each([1, 2, 3, 4])(
    'holds: a snapshot with the events since is a fresh snapshot (%d)',
    async (seed) => {
      const workspace = await house.workspace();
      const alice = await house.person(workspace);
      const { id: account } = await house.account(alice);
      const world = new World(workspace, account, alice, numbers(seed * 7_919));
      await world.open();
      const some = async (count: number): Promise<void> => {
        for (let index = 0; index < count; index++) await world.happen();
      };
      await some(10);
      const early = await world.snapshot();
      await some(15);
      // What is in it is newer than its cursor says.
      const late = await world.snapshot(async () => {
        await some(15);
      });
      await some(15);
      const fresh = inboxOf(stateOf([await world.snapshot()]));
      for (const snapshot of [early, late]) {
        const frames = await world.since(snapshot);
        expect(inboxOf(apply(stateOf([snapshot]), frames))).toEqual(fresh);
        // The same events once more change nothing.
        expect(inboxOf(apply(apply(stateOf([snapshot]), frames.slice(0, 7)), frames))).toEqual(fresh);
      }
    },
    60_000,
  );
});
