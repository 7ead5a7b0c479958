import { Injectable } from '@nestjs/common';
import {
  Access,
  AccountLinks,
  Desires,
  LinkBook,
  noAccount,
  type AccountLink,
  type AccountRow,
  type Principal,
} from '#accounts';
import type { BodyOf, QueryOf } from '#accounts';
import type { MyConversation, Routes } from '#api';
import { EventLog } from '#bus';
import { AddressError } from '#connector';
import { newId, type Address, type ConversationId, type ConversationKind, type NewEvent } from '#model';
import { Database, Problem } from '#platform';
import { Identities, partyKey } from '#roster';
import { ConversationViews } from './conversation.views.js';
import {
  bringUp,
  leaveConversation,
  openConversation,
  pageOfConversations,
  releaseAddress,
} from './conversations.store.js';
import { standsBy } from './intake.js';
import { conversationChanged } from './intake.store.js';
import { decodeNext, encodeNext } from './next.js';
import { Places } from './places.js';
import { noConversation, Sight } from './sight.js';

/** The inbox of one person: what is there, what is opened and what is left. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly access: Access,
    private readonly spoken: AccountLinks,
    private readonly desires: Desires,
    private readonly links: LinkBook,
    private readonly identities: Identities,
    private readonly views: ConversationViews,
    private readonly sight: Sight,
    private readonly places: Places,
  ) {}

  /** The caller's conversations, the latest first. Left ones stay, for their history: `leftAt` tells. */
  async list(
    principal: Principal,
    query: QueryOf<Routes['listConversations']>,
  ): Promise<{ items: MyConversation[]; next?: string }> {
    const who = await this.sight.of(principal);
    if (query.account !== undefined && !who.accounts.has(query.account)) {
      throw new Problem(404, 'not-found', 'There is no such account.');
    }
    const accounts = query.account === undefined ? who.accounts : [query.account];
    const edges = await pageOfConversations(
      this.database,
      { accounts, kind: query.kind },
      decodeNext(query.next),
      query.limit + 1,
    );
    const page = edges.slice(0, query.limit);
    const items = await this.views.mine(
      page.map((edge) => edge.id),
      who,
    );
    const last = page.at(-1);
    return edges.length > page.length && last ? { items, next: encodeNext(last) } : { items };
  }

  /** @throws Problem 404 `not-found` */
  async get(principal: Principal, id: ConversationId): Promise<MyConversation> {
    await this.sight.conversation(principal, id);
    const [conversation] = await this.views.mine([id], await this.sight.of(principal));
    if (conversation === undefined) throw noConversation();
    return conversation;
  }

  /**
   * Opens a direct conversation or enters a room: the wish is stored, the session brings it about at once or when it
   * is online again. `made` is false where the conversation was there already.
   * @throws Problem 404 `not-found` for the account, 422 `invalid` for an address that is none there
   */
  async open(
    principal: Principal,
    body: BodyOf<Routes['createConversation']>,
  ): Promise<{ conversation: MyConversation; made: boolean }> {
    const account = await this.access.mustSee(principal, body.account);
    const spoken = await this.spoken.of(account.id);
    if (!spoken) throw noAccount();
    const { address, kind } = await this.addressOf(account, spoken, body.address, body.kind);
    const { standing = false } = standsBy(spoken.connector.describe(), kind);
    const joins = kind === 'room' && !standing;
    const [peer = address] = spoken.connector.addresses.membersOf?.(address.value) ?? [];
    const { value, last } = await this.database.transaction(async (sql) => {
      if (joins) await this.desires.set(sql, account.id, 'room', address.value, body.options ?? {});
      const events: NewEvent[] = [];
      let identity = null;
      if (kind === 'direct') {
        const ask = { account: account.id, address: peer.value, kind: peer.kind };
        const resolved = await this.identities.resolve(sql, [ask]);
        identity = resolved.found.get(partyKey(account.id, peer.value)) ?? null;
        events.push(...resolved.events);
      }
      const opening = {
        workspace: account.workspace,
        account: account.id,
        kind,
        address: address.value,
        identity,
        standing,
      };
      const released = identity === null ? [] : await releaseAddress(sql, opening);
      events.push(...released.map((id) => conversationChanged(account.id, id)));
      const opened = await openConversation(sql, newId(), opening);
      if (opened.outcome !== 'as it was') events.push(conversationChanged(account.id, opened.id));
      if (events.length === 0) return { value: opened };
      const alongside = opened.outcome === 'as it was' ? undefined : bringUp(opened.id);
      const { last } = await this.log.append(sql, account.workspace, events, alongside);
      return { value: opened, last };
    });
    if (last !== undefined) this.log.committed(account.workspace, last);
    if (joins) this.links.changed(account.link);
    return { conversation: await this.get(principal, value.id), made: value.outcome === 'made' };
  }

  /**
   * Leaves a room, or closes a direct conversation until somebody speaks in it again. Done twice, it is done once.
   * @throws Problem 404 `not-found`
   */
  async leave(principal: Principal, id: ConversationId): Promise<void> {
    const { place, account } = await this.sight.account(principal, id);
    const appended = await this.database.transaction(async (sql) => {
      const left = await leaveConversation(sql, id);
      if (left === undefined) return undefined;
      if (left.kind === 'room') await this.desires.remove(sql, place.account, 'room', left.address);
      return await this.log.append(sql, place.workspace, [conversationChanged(place.account, id)]);
    });
    if (appended === undefined) return;
    this.log.committed(place.workspace, appended.last);
    if (place.kind === 'room') this.links.changed(account.link);
  }

  /** @throws Problem 422 `invalid` */
  private async addressOf(
    account: AccountRow,
    { connector: { addresses }, settings }: AccountLink,
    raw: string,
    asked: ConversationKind | undefined,
  ): Promise<{ address: Address; kind: ConversationKind }> {
    try {
      const address = addresses.parse(raw, settings);
      const known = addresses.kindOf(address.value) ?? (await this.places.kindAt(account.id, address.value));
      const kind = known ?? asked ?? 'direct';
      if (asked === undefined || asked === kind) return { address, kind };
      throw new AddressError(`${addresses.display(address.value)} is the address of a ${nounOf[kind]}`);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new Problem(422, 'invalid', error.message, {
        errors: [{ pointer: '/address', detail: error.message }],
      });
    }
  }
}

const nounOf: Readonly<Record<ConversationKind, string>> = { direct: 'person', room: 'room' };
