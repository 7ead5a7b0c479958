import { Injectable } from '@nestjs/common';
import { newId, type AccountId, type CallId, type NewEvent, type WorkspaceId } from '#model';
import { Database, type Sql } from '#platform';
import { CallIntake, type ToldCall } from '#sessions';
import { hastenCalls, insertCalls, lockCalls, updateCalls, type NewCall } from './call.store.js';
import { patienceMs, tell, type CallTale } from './tale.js';

/** By when the next session has to tell of the calls that the one before it knew. */
const RECOVERY_MS = 30_000;

/** A call that something was told of. */
interface Told {
  readonly id: CallId;
  readonly account: AccountId;
  /** As it was; undefined for a new one. */
  readonly before: CallTale | undefined;
  /** Who and where, for a new one. */
  readonly first: ToldCall;
  tale: CallTale;
}

/** Writes down what sessions tell of calls, each once, whatever is told twice or late. */
@Injectable()
export class CallLedger extends CallIntake {
  constructor(private readonly database: Database) {
    super();
  }

  override async take(sql: Sql, workspace: WorkspaceId, told: readonly ToldCall[]): Promise<NewEvent[]> {
    const calls = await this.follow(sql, told);
    const fresh = calls.filter(({ before }) => before === undefined);
    await insertCalls(
      sql,
      fresh.map((call) => newCallOf(workspace, call)),
    );
    await updateCalls(
      sql,
      calls.flatMap(({ id, before, tale }) =>
        before === undefined
          ? []
          : [{ id, ...tale, changed: tale !== before, dueInMs: patienceMs(tale.state) }],
      ),
    );
    return calls.filter(({ before, tale }) => tale !== before).map((call) => callChanged(call));
  }

  override async abandon(accounts: readonly AccountId[]): Promise<void> {
    await hastenCalls(this.database, accounts, RECOVERY_MS);
  }

  /** Every call that is told of, as it stands after all that was told. One that was placed and is gone is nobody's. */
  private async follow(sql: Sql, told: readonly ToldCall[]): Promise<Told[]> {
    const named = told.map(({ event: { account, call } }) =>
      'placed' in call ? { account, id: call.placed } : { account, remoteId: call.remoteId },
    );
    const calls = new Map<string, Told>();
    const known = await lockCalls(sql, named);
    for (const one of told) {
      const { account, call } = one.event;
      const key = `${account} ${'placed' in call ? call.placed : `remote ${call.remoteId}`}`;
      let found = calls.get(key);
      if (!found) {
        const before = known.find((row) =>
          'placed' in call
            ? row.account === account && row.id === call.placed
            : row.account === account && row.remoteId === call.remoteId,
        );
        if (!before && 'placed' in call) continue;
        found = {
          id: before?.id ?? newId<'CallId'>(),
          account,
          before,
          first: one,
          tale: before ?? tell(undefined, one.event),
        };
        calls.set(key, found);
      }
      found.tale = tell(found.tale, one.event);
    }
    return [...calls.values()];
  }
}

function newCallOf(workspace: WorkspaceId, { id, account, first, tale }: Told): NewCall {
  const { event, conversation, identity } = first;
  return {
    ...tale,
    id,
    workspace,
    account,
    conversation,
    identity: identity ?? null,
    direction: event.direction,
    remoteId: 'remoteId' in event.call ? event.call.remoteId : null,
    address: event.party.address,
    from: null,
    person: null,
    at: event.at,
    dueInMs: patienceMs(tale.state),
  };
}

/** That a call is other than it was. */
export function callChanged({ id, account }: { readonly id: CallId; readonly account: AccountId }): NewEvent {
  return {
    id: newId<'EventId'>(),
    type: 'call.changed',
    audience: { kind: 'account', account },
    subject: id,
    data: { call: id },
  };
}
