import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  Access,
  AccountLinks,
  noAccount,
  type AccountLink,
  type AccountRow,
  type Principal,
} from '#accounts';
import type { Call, PlaceCallBody } from '#api';
import { Audit } from '#audit';
import { EventLog, NoResponder, RequestRefused, Requests, RequestTimeout } from '#bus';
import { AddressError } from '#connector';
import {
  ConversationViews,
  conversationKey,
  IntakeStore,
  linkAddress,
  LinkRequests,
  mustBeOnline,
  Sight,
} from '#conversations';
import {
  failure,
  isOver,
  newId,
  type Address,
  type CallId,
  type ConversationId,
  type Failure,
  type NewEvent,
} from '#model';
import { Clock, Database, Problem, type Sql } from '#platform';
import { Identities, partyKey } from '#roster';
import type { CallRequest } from '#sessions';
import { callChanged } from './call-ledger.js';
import {
  byKey,
  forgetOldKey,
  insertCalls,
  lockCalls,
  placedOfLate,
  remoteIdOf,
  updateCalls,
  type CallKey,
} from './call.store.js';
import { Calls } from './calls.service.js';
import { lostAs, patienceMs, tell } from './tale.js';

/** How long a session may take to say that a call is on its way, or ending. */
const ASK_MS = 8_000;
/** A call that was placed and of which nothing is heard by then never was. */
const FIRST_WORD_MS = 60_000;
/** Calls that one person may place in a minute: a phone that rings is a person who is disturbed. */
const MOST_IN_A_MINUTE = 10;

/** Whom a call is for. */
interface Addressee {
  readonly peer: Address;
  /** The address of the direct conversation with them, and which that is where it is known. */
  readonly place: string;
  readonly conversation?: ConversationId;
}

/** Places calls, and ends them: the call is stored first, then the session that holds the account is asked. */
@Injectable()
export class Exchange {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly requests: Requests,
    private readonly linkRequests: LinkRequests,
    private readonly access: Access,
    private readonly links: AccountLinks,
    private readonly sight: Sight,
    private readonly conversations: ConversationViews,
    private readonly identities: Identities,
    private readonly intake: IntakeStore,
    private readonly audit: Audit,
    private readonly calls: Calls,
    private readonly clock: Clock,
  ) {}

  /**
   * Connects two phones. When it resolves, the call is stored, and its session was asked; what could not be placed is a
   * call that has failed.
   * @throws Problem 404 `not-found`, 409 `unsupported` or as the account stands, 422 `invalid` or
   *   `idempotency-key-reused`, 429 `rate-limited`
   */
  async place(caller: Principal, body: PlaceCallBody, key: string | undefined, ip: string): Promise<Call> {
    const { account: id, address: mine } = typeof body.from === 'string' ? { account: body.from } : body.from;
    const account = await this.access.mustSee(caller, id);
    const link = await this.links.of(id);
    if (!link) throw noAccount();
    mustPlaceCalls(link);
    const to = await this.addressee(caller, account, link, body.to);
    const from = mine === undefined ? null : addressOf(link, mine, '/from/address').value;
    const request = key === undefined ? undefined : keyOf(caller, key, body);
    const call = newId<'CallId'>();
    const stored = await this.store(caller, account, { call, to, from, request, ip });
    if (stored !== call) return await this.calls.get(caller, stored);
    const why = await this.ask(link, {
      act: 'place-call',
      account: id,
      call,
      to: to.peer.value,
      ...(from !== null && { from }),
    });
    if (why) await this.settle(account, call, why);
    return await this.calls.get(caller, call);
  }

  /**
   * Hangs up, or declines what rings. The answer shows the call as it is; that it is over is told when it is.
   * @throws Problem 404 `not-found`; 409, 503 or 504 where the session cannot do it now
   */
  async end(caller: Principal, id: CallId): Promise<Call> {
    const call = await this.calls.get(caller, id);
    if (isOver(call.state)) return call;
    const account = await this.access.mustSee(caller, call.account);
    const remoteId = await remoteIdOf(this.database, id);
    const request: CallRequest = {
      act: 'end-call',
      account: account.id,
      call: remoteId === undefined ? { placed: id } : { remoteId },
    };
    try {
      await this.linkRequests.ask(account, request, ASK_MS);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'not-found') throw error;
      await this.settle(account, id, failure('unknown', 'Its session knows no such call any more.'));
    }
    return await this.calls.get(caller, id);
  }

  /** Stores a new call; answers its id, or that of the call which the same request has placed before. */
  private async store(
    caller: Principal,
    account: AccountRow,
    order: {
      readonly call: CallId;
      readonly to: Addressee;
      readonly from: string | null;
      readonly request: CallKey | undefined;
      readonly ip: string;
    },
  ): Promise<CallId> {
    const { workspace } = account;
    const { call, to, from, request: key, ip: address } = order;
    const done = await this.database.transaction(async (sql) => {
      if (key) await forgetOldKey(sql, workspace, key);
      const known = key && (await this.knownAs(sql, caller, key));
      if (known) return { id: known, last: undefined };
      mustBeOnline(account);
      if ((await placedOfLate(sql, caller.person)) >= MOST_IN_A_MINUTE) throw tooMany();
      const { conversation, identity, events } = await this.meet(sql, account, to);
      const at = new Date(this.clock.now());
      const made = await insertCalls(sql, [
        {
          ...tell(undefined, {
            state: 'calling',
            legs: { mine: 'calling', theirs: 'waiting' },
            at,
          }),
          id: call,
          workspace,
          account: account.id,
          conversation,
          identity,
          direction: 'out',
          remoteId: null,
          address: to.peer.value,
          from,
          person: caller.person,
          at,
          dueInMs: FIRST_WORD_MS,
          key,
        },
      ]);
      // The same request came twice at once: the other one has placed it.
      if (made.length === 0) {
        return { id: (key && (await this.knownAs(sql, caller, key))) ?? call, last: undefined };
      }
      await this.audit.record(sql, {
        workspace,
        person: caller.person,
        action: 'call.placed',
        subject: call,
        facts: { account: account.id },
        address,
      });
      const told = [...events, callChanged({ id: call, account: account.id })];
      return { id: call, last: (await this.log.append(sql, workspace, told)).last };
    });
    if (done.last !== undefined) this.log.committed(workspace, done.last);
    return done.id;
  }

  private async knownAs(sql: Sql, { workspace }: Principal, key: CallKey): Promise<CallId | undefined> {
    const known = await byKey(sql, workspace, key);
    if (known && known.bodyHash !== key.bodyHash) {
      throw new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.');
    }
    return known?.id;
  }

  /** Who is called, and the conversation with them; both are made where they are not there yet. */
  private async meet(sql: Sql, { id, workspace }: AccountRow, { peer, place, conversation }: Addressee) {
    const people = await this.identities.resolve(sql, [
      { account: id, address: peer.value, kind: peer.kind },
    ]);
    const identity = people.found.get(partyKey(id, peer.value)) ?? null;
    if (conversation) return { conversation, identity, events: people.events };
    const places = await this.intake.resolve(sql, workspace, [
      { account: id, kind: 'direct', address: place, ...(identity && { identity }) },
    ]);
    const found = places.found.get(conversationKey(id, place));
    if (!found) throw new Error('a conversation was neither found nor made');
    const events: NewEvent[] = [...people.events, ...places.events];
    return { conversation: found, identity, events };
  }

  /** Asks the session to place a call: why it does not. Undefined also where it has not said so in time. */
  private async ask({ link }: AccountLink, request: CallRequest): Promise<Failure | undefined> {
    try {
      await this.requests.ask(linkAddress(link), { ...request }, ASK_MS);
      return undefined;
    } catch (error) {
      if (error instanceof RequestTimeout) return undefined;
      if (error instanceof RequestRefused) return failure(error.code, error.detail);
      if (error instanceof NoResponder) {
        return failure('network-unreachable', 'No worker holds the session of this account now.');
      }
      throw error;
    }
  }

  /** The session says that there is no such call: it is over, unless it was before. */
  private async settle({ id: account, workspace }: AccountRow, id: CallId, why: Failure): Promise<void> {
    const last = await this.database.transaction(async (sql) => {
      const [call] = await lockCalls(sql, [{ account, id }]);
      if (!call || isOver(call.state)) return undefined;
      const tale = tell(call, { state: lostAs(call.state), failure: why, at: new Date(this.clock.now()) });
      await updateCalls(sql, [{ id, ...tale, changed: true, dueInMs: patienceMs(tale.state) }]);
      return (await this.log.append(sql, workspace, [callChanged(call)])).last;
    });
    if (last !== undefined) this.log.committed(workspace, last);
  }

  private async addressee(
    caller: Principal,
    account: AccountRow,
    link: AccountLink,
    to: PlaceCallBody['to'],
  ): Promise<Addressee> {
    if (typeof to === 'string') return addresseeAt(link, to);
    if ('contact' in to) {
      throw new Problem(
        409,
        'unsupported',
        'Contacts cannot be called yet: name a conversation or an address.',
      );
    }
    if ('account' in to) {
      if (to.account !== account.id) throw otherAccount();
      return addresseeAt(link, to.address);
    }
    const { id } = await this.sight.conversation(caller, to.conversation);
    const conversation = (await this.conversations.byIds([id])).get(id);
    if (conversation?.account !== account.id) throw otherAccount();
    if (conversation.kind !== 'direct') throw new Problem(409, 'unsupported', 'A room cannot be called.');
    const { address } = conversation;
    const peer = link.connector.addresses.membersOf?.(address)[0] ?? addressOf(link, address, '/to');
    return { peer, place: address, conversation: id };
  }
}

function addresseeAt(link: AccountLink, raw: string): Addressee {
  const place = addressOf(link, raw, '/to');
  return { peer: link.connector.addresses.membersOf?.(place.value)[0] ?? place, place: place.value };
}

/** @throws Problem 422 `invalid` */
function addressOf(
  { connector: { addresses }, settings }: AccountLink,
  raw: string,
  pointer: string,
): Address {
  try {
    const address = addresses.parse(raw, settings);
    if (addresses.kindOf(address.value) !== 'room') return address;
    throw new AddressError(`${addresses.display(address.value)} is the address of a room.`);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new Problem(422, 'invalid', error.message, { errors: [{ pointer, detail: error.message }] });
  }
}

/** The same request under the same key has the same hash, however its body was spelled. */
function keyOf(caller: Principal, key: string, body: PlaceCallBody): CallKey {
  const bodyHash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return { principal: caller.id, key, bodyHash };
}

/** @throws Problem 409 `unsupported` */
function mustPlaceCalls({ connector }: AccountLink): void {
  const { abilities, name } = connector.describe();
  if (!abilities.includes('places-calls')) {
    throw new Problem(409, 'unsupported', `${name} places no calls.`);
  }
}

function otherAccount(): Problem {
  return new Problem(409, 'unsupported', 'Whoever is to be called belongs to another account than `from`.');
}

function tooMany(): Problem {
  return new Problem(
    429,
    'rate-limited',
    `A person places at most ${String(MOST_IN_A_MINUTE)} calls in a minute.`,
    {
      retryAfterSeconds: 60,
    },
  );
}
