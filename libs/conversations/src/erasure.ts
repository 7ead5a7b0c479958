import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Audit } from '#audit';
import type { Principal } from '#accounts';
import { DueSweep, EventLog, type Sweep } from '#bus';
import { releaseFiles } from '#files';
import { newId, type ConversationId, type NewEvent } from '#model';
import { Clock, Database, Problem } from '#platform';
import { eraseSlice, findErasing, finishErasing, markForErasing, type Erasing } from './erasure.store.js';
import { Fates } from './fates.js';
import { start, type Standing } from './history.store.js';
import { Sight } from './sight.js';
import { walkInOrder } from './walk.js';

/** Messages that one transaction erases: enough to be quick, few enough to hold nobody up. */
const sliceSize = 500;

/** How long a request does the work itself; what is left then, the sweep does, a turn at a time. */
const patienceMs = 10_000;
const turnMs = 1_000;

/**
 * Erases what was said in a conversation. The wish is stored first and the content goes slice by slice, so that a
 * large archive holds nobody up, and a process that dies midway leaves work that the sweep of any other finds. Rows
 * stay, empty: events, replies and read marks point at them.
 */
@Injectable()
export class Erasure implements OnModuleInit {
  #sweep: Sweep | undefined;
  /** How far each has come; who does not know begins again, past what is empty already. */
  readonly #behind = new Map<string, Standing>();

  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly audit: Audit,
    private readonly due: DueSweep,
    private readonly clock: Clock,
    private readonly sight: Sight,
    private readonly fates: Fates,
  ) {}

  onModuleInit(): void {
    this.#sweep = this.due.add('erase-conversations', async () => {
      const goOn = this.until(turnMs);
      for (const erasing of await findErasing(this.database, 10)) {
        if (!(await this.empty(erasing, goOn))) return new Date(this.clock.now());
      }
      return undefined;
    });
  }

  /**
   * Erasing cannot be undone, so those to whom an account is only shared may not.
   * @throws Problem 404 `not-found`, 403 `not-holder`
   */
  async mustBeAllowed(principal: Principal, id: ConversationId): Promise<void> {
    const { account } = await this.sight.account(principal, id);
    if (account.holder === principal.person || principal.role === 'admin') return;
    throw new Problem(
      403,
      'not-holder',
      'Only who holds the account, or an admin, may erase what it has stored.',
    );
  }

  /**
   * Resolves when the content is gone; in a very large conversation, when it is certain to go.
   * @throws Problem as `mustBeAllowed`
   */
  async erase(principal: Principal, id: ConversationId): Promise<void> {
    await this.mustBeAllowed(principal, id);
    const erasing = await this.database.transaction(async (sql) => {
      const marked = await markForErasing(sql, id);
      await this.audit.record(sql, {
        workspace: principal.workspace,
        person: principal.person,
        action: 'conversation.erased',
        subject: id,
      });
      return marked;
    });
    if (erasing === undefined) return;
    if (!(await this.empty(erasing, this.until(patienceMs)))) this.#sweep?.wake();
  }

  private until(ms: number): () => boolean {
    const end = this.clock.monotonic() + ms;
    return () => this.clock.monotonic() < end;
  }

  /** @returns whether all is gone. */
  private async empty(erasing: Erasing, goOn: () => boolean): Promise<boolean> {
    const key = `${erasing.conversation} ${String(erasing.upTo)}`;
    let behind: Standing | undefined = this.#behind.get(key) ?? start;
    while (behind !== undefined) {
      if (!goOn()) {
        this.#behind.set(key, behind);
        return false;
      }
      behind = await this.slice(erasing, behind);
    }
    this.#behind.delete(key);
    await finishErasing(this.database, erasing);
    return true;
  }

  /** @returns the place behind which to go on; undefined where nothing is left. */
  private async slice(erasing: Erasing, behind: Standing): Promise<Standing | undefined> {
    const { erased, last } = await this.database.transaction(async (sql) => {
      await walkInOrder(sql);
      const erased = await eraseSlice(sql, erasing, behind, sliceSize);
      if (erased.length === 0) return { erased, last: undefined };
      const ids = erased.map(({ id }) => id);
      await this.fates.erase(sql, ids);
      await releaseFiles(sql, ids);
      const events = erased.map(({ id }): NewEvent => ({
        id: newId(),
        type: 'message.erased',
        audience: { kind: 'account', account: erasing.account },
        subject: id,
        data: { message: id, conversation: erasing.conversation },
      }));
      const { last } = await this.log.append(sql, erasing.workspace, events);
      return { erased, last };
    });
    if (last !== undefined) this.log.committed(erasing.workspace, last);
    return erased.length < sliceSize ? undefined : erased.at(-1);
  }
}
