import { Injectable } from '@nestjs/common';
import {
  AccountLinks,
  decodeAfter,
  encodeAfter,
  noAccount,
  type AccountRow,
  type BodyOf,
  type Principal,
  type QueryOf,
} from '#accounts';
import type { Participant, RequestAnswer, Routes } from '#api';
import type { Occupant } from '#connector';
import type { ConversationId, IdentityId } from '#model';
import { Database } from '#platform';
import { Identities, IdentityViews } from '#roster';
import { readAddress } from './conversations.store.js';
import { LinkRequests } from './link-requests.js';
import { Past } from './past.service.js';
import { noConversation, Sight } from './sight.js';

/** How long a session has to tell who is in a room, and to do as it is asked. */
const occupantsMs = 5_000;
const actMs = 15_000;

/** Who is in a conversation now, and what can be asked of its network at once. */
@Injectable()
export class Participants {
  constructor(
    private readonly database: Database,
    private readonly sight: Sight,
    private readonly identities: Identities,
    private readonly identityViews: IdentityViews,
    private readonly links: LinkRequests,
    private readonly past: Past,
    private readonly spoken: AccountLinks,
  ) {}

  /**
   * A direct conversation's two; a room's occupants as its session has them, in the order of their addresses. A room that
   * nobody joins consists of whoever its address names, and us.
   * @throws Problem 404 `not-found`; 409, 503 or 504 where no session can tell
   */
  async page(
    principal: Principal,
    id: ConversationId,
    query: QueryOf<Routes['listParticipants']>,
  ): Promise<{ items: Participant[]; next?: string }> {
    const { place, account } = await this.sight.account(principal, id);
    const { address, identity } = await this.where(id);
    const spoken = await this.spoken.of(account.id);
    if (!spoken) throw noAccount();
    const { addresses } = spoken.connector;
    const members = addresses.membersOf?.(address).map(({ value }) => value);
    if (place.kind === 'direct') return { items: await this.two(account, members?.[0] ?? address, identity) };
    if (members !== undefined) return { items: await this.group(account, members) };
    const after = decodeAfter('after', query.next);
    const request = {
      act: 'occupants',
      account: account.id,
      conversation: address,
      limit: query.limit,
      ...(after !== undefined && { after }),
    } as const;
    const { occupants, more } = await this.links.occupants(account, request, occupantsMs);
    const held = await this.identities.holders(
      account.id,
      occupants.map((occupant) => occupant.address),
    );
    const items = occupants.map((occupant): Participant => ({
      address: occupant.address,
      name: occupant.name ?? null,
      identity: held.get(occupant.address) ?? null,
      role: occupant.role ?? null,
      roles: rolesOf(occupant),
      self: occupant.address === account.localAddress,
    }));
    const last = items.at(-1);
    return more && last ? { items, next: encodeAfter('after', last.address) } : { items };
  }

  /** @throws Problem 404 `not-found`; 409, 429, 503 or 504 with the reason why it was not done */
  async request(
    principal: Principal,
    id: ConversationId,
    body: BodyOf<Routes['request']>,
  ): Promise<RequestAnswer> {
    const { account } = await this.sight.account(principal, id);
    const { address } = await this.where(id);
    const { kind, options = {} } = body;
    if (kind === 'history') return { answer: await this.past.fetch(account, id, address, options) };
    const request = { act: 'request', account: account.id, conversation: address, kind, options } as const;
    return { answer: await this.links.act(account, request, actMs) };
  }

  /** Resolves as soon as the session was told; where nobody is online, or typing is not shown, nobody needs to know. */
  async typing(principal: Principal, id: ConversationId, active: boolean): Promise<void> {
    const { account } = await this.sight.account(principal, id);
    const { address } = await this.where(id);
    if (account.session.state !== 'online') return;
    this.links.tell(account, { act: 'typing', account: account.id, conversation: address, active });
  }

  private async where(id: ConversationId): Promise<{ address: string; identity: IdentityId | null }> {
    const found = await readAddress(this.database, id);
    if (found === undefined) throw noConversation();
    return found;
  }

  private async group(account: AccountRow, members: readonly string[]): Promise<Participant[]> {
    const held = await this.identities.holders(account.id, members);
    const known = await this.identityViews.byIds([...held.values()]);
    const others = members.map((address): Participant => {
      const identity = held.get(address) ?? null;
      const name = known.get(identity ?? '')?.name ?? null;
      return { address, name, identity, role: null, roles: [], self: false };
    });
    return [...others, ...ourselves(account)];
  }

  private async two(
    account: AccountRow,
    address: string,
    identity: IdentityId | null,
  ): Promise<Participant[]> {
    const peer = identity === null ? undefined : (await this.identityViews.byIds([identity])).get(identity);
    return [
      { address, name: peer?.name ?? null, identity, role: null, roles: [], self: false },
      ...ourselves(account),
    ];
  }
}

function ourselves({ localAddress: address }: AccountRow): Participant[] {
  return address === null ? [] : [{ address, name: null, identity: null, role: null, roles: [], self: true }];
}

function rolesOf({ role, roles }: Occupant): string[] {
  if (roles !== undefined) return [...roles];
  return role === undefined ? [] : [role];
}
