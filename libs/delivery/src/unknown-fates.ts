import { Injectable } from '@nestjs/common';
import { beside, EventLog } from '#bus';
import { carriesFiles, FileLinks, withAddresses } from '#files';
import { newId, type EnvelopeId, type NewEvent, type WorkspaceId } from '#model';
import { Clock, Database, type Sql } from '#platform';
import { Charges } from './charges.js';
import { EnvelopeStore, envelopeChanged } from './envelope.store.js';
import { envelopeRows, type NewEnvelope } from './intake.js';
import type { Lanes, Ready } from './lanes.js';
import { Fence, type Claim, type Outlet } from './outlet.js';
import { Settler } from './settler.js';
import type { EnvelopeNews } from './settle.js';

/** An unknown fate holds its lane for at most this long while the network is asked. */
const HOLD_MS = 30_000;
/** Questions to a network at once. */
const AT_ONCE = 8;
const MOST = 500;
const DAY_MS = 86_400_000;

/**
 * Settles envelopes of unknown fate when an account comes online: by asking the network where it can tell, else by the
 * account's setting. `ask` leaves them for the person; `resend` sends each again as a new envelope at the lane's tail.
 */
@Injectable()
export class UnknownFates {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: EnvelopeStore,
    private readonly settler: Settler,
    private readonly charges: Charges,
    private readonly fence: Fence,
    private readonly links: FileLinks,
    private readonly clock: Clock,
  ) {}

  /** @param online whether it is still worth going on */
  async settle(outlet: Outlet, lanes: Lanes, online: () => boolean): Promise<void> {
    const unknown = await this.store.unknown(this.database, [outlet.account], MOST);
    if (unknown.length === 0) return;
    const until = this.clock.now() + HOLD_MS;
    const conversations = new Set(unknown.map(({ conversation }) => conversation));
    if (outlet.resolve) for (const conversation of conversations) lanes.hold(conversation, until);
    try {
      const targets = await this.store.targets(
        this.database,
        unknown.filter(({ needsTarget }) => needsTarget).map(({ envelope }) => envelope.id),
      );
      const addresses = await this.links.addressesOf(
        this.database,
        unknown.filter(({ envelope }) => carriesFiles(envelope.content)).map(({ message }) => message),
      );
      for (let from = 0; from < unknown.length && online(); from += AT_ONCE) {
        const some = unknown.slice(from, from + AT_ONCE);
        const answers = await Promise.all(
          some.map(async (ready) => {
            const target = targets.get(ready.envelope.id);
            const content = withAddresses(ready.envelope.content, addresses.get(ready.message));
            const envelope = { ...ready.envelope, content, ...(target ? { target } : {}) };
            return (await outlet.resolve?.(envelope).catch(() => 'unknown' as const)) ?? ('unknown' as const);
          }),
        );
        if (online()) await this.write(outlet, some, answers);
      }
    } finally {
      for (const conversation of conversations) lanes.release(conversation);
    }
  }

  /** Under a new epoch: what a dead predecessor was sending has an unknown fate. */
  async abandon(claim: Claim & { readonly workspace: WorkspaceId }): Promise<void> {
    await this.fenced(claim, (sql) => this.store.abandon(sql, claim.link, claim.epoch));
  }

  /** Says of an account's due envelopes that they wait for a session. */
  async awaitSession(outlet: Outlet): Promise<void> {
    for (;;) {
      const told = await this.fenced(outlet, (sql) => this.store.awaitSession(sql, outlet.account));
      if (told === 0) return;
    }
  }

  private async write(
    outlet: Outlet,
    envelopes: readonly Ready[],
    answers: readonly ('present' | 'absent' | 'unknown')[],
  ): Promise<void> {
    const news: EnvelopeNews[] = [];
    const again: Ready[] = [];
    for (const [index, ready] of envelopes.entries()) {
      const envelope = ready.envelope.id;
      switch (answers[index]) {
        case 'present':
          news.push({ envelope, total: 1, parts: [{ part: 0, state: 'sent' }] });
          break;
        case 'absent':
          news.push({ envelope, whole: { state: 'waiting', reason: 'session' } });
          break;
        case 'unknown':
        case undefined:
          if (outlet.onUnknown === 'resend') again.push(ready);
      }
    }
    await this.fenced(outlet, async (sql) => (await this.settler.apply(sql, news)).events);
    if (again.length > 0) await this.resend(outlet, again);
  }

  /** Sends envelopes again at the tail of their lanes; the old ones stay unknown, and nobody is asked any more. */
  private async resend(outlet: Outlet, envelopes: readonly Ready[]): Promise<void> {
    const last = await this.database.transaction(async (sql) => {
      const held = await this.fence.hold(sql, [outlet]);
      if (!held.has(outlet.link)) return undefined;
      const old = await this.store.markResent(
        sql,
        envelopes.map(({ envelope }) => envelope.id),
      );
      const wanted = envelopes
        .filter(({ envelope }) => old.has(envelope.id))
        .map((ready) => this.copyOf(outlet, ready));
      for (const { message } of wanted) await this.links.prolong(sql, message);
      const till = await this.charges.open(sql, outlet.workspace, wanted);
      const taken = wanted.map((copy) => this.charges.take(till, copy));
      const copies = taken.flatMap((one) => ('failure' in one ? [] : [one]));
      // What may not be sent again as things stand stays as it is, for a person to decide.
      const left = wanted.filter((_, index) => 'failure' in (taken[index] ?? {}));
      if (left.length > 0)
        await this.store.unmarkResent(
          sql,
          left.flatMap(({ route }) => route.resendOf ?? []),
        );
      if (copies.length === 0) return undefined;
      const events: NewEvent[] = copies.map((copy) =>
        envelopeChanged({
          id: copy.id,
          account_id: copy.account,
          conversation_id: copy.conversation,
          message_id: copy.message,
          state: 'accepted',
        }),
      );
      const metered = till.alongside();
      const rows = beside(envelopeRows(copies), ...(metered ? [metered] : []));
      return (await this.events.append(sql, outlet.workspace, events, rows)).last;
    });
    if (last !== undefined) this.events.committed(outlet.workspace, last);
  }

  private copyOf(outlet: Outlet, ready: Ready): NewEnvelope {
    const now = this.clock.now();
    const id: EnvelopeId = newId(now);
    const { envelope } = ready;
    const { to, conversationKind, content } = envelope;
    const assessment =
      envelope.kind === 'message'
        ? outlet.assess({ to, kind: conversationKind, content, at: new Date(now) })
        : undefined;
    return {
      id,
      workspace: outlet.workspace,
      account: outlet.account,
      conversation: ready.conversation,
      message: ready.message,
      kind: envelope.kind,
      connector: outlet.connector,
      priority: ready.priority,
      dueAt: new Date(now),
      expiresAt: new Date(now + DAY_MS),
      ...(envelope.kind === 'message' ? {} : { change: { content: envelope.content } }),
      ...(envelope.reaction ? { change: { reaction: envelope.reaction } } : {}),
      route: {
        account: outlet.account,
        address: envelope.to,
        why: 'Sent again: nobody knows whether the first one arrived.',
        resendOf: envelope.id,
        ...(ready.urgent ? { urgent: true } : {}),
      },
      ...(assessment ? { assessment } : {}),
      orderedBy: id,
    };
  }

  /** One fenced transaction that ends in events; answers how many. */
  private async fenced(
    outlet: Claim & { readonly workspace: WorkspaceId },
    work: (sql: Sql) => Promise<NewEvent[]>,
  ): Promise<number> {
    const { last, count } = await this.database.transaction(async (sql) => {
      const held = await this.fence.hold(sql, [outlet]);
      if (!held.has(outlet.link)) return { last: undefined, count: 0 };
      const events = await work(sql);
      if (events.length === 0) return { last: undefined, count: 0 };
      const metered = await this.charges.alongside(sql, outlet.workspace, events);
      const { last } = await this.events.append(sql, outlet.workspace, events, metered);
      return { last, count: events.length };
    });
    if (last !== undefined) this.events.committed(outlet.workspace, last);
    return count;
  }
}
