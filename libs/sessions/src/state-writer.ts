import { Injectable } from '@nestjs/common';
import { LinkBook, type SessionReport } from '#accounts';
import { EventLog } from '#bus';
import { IntakeStore } from '#conversations';
import type { AccountId, Capabilities, SessionState, WorkspaceId } from '#model';
import { Clock, Database, logger } from '#platform';
import type { Taker } from './inbound-units.js';
import { Leases } from './leases.js';

const RETRY_MS = 1_000;

const log = logger('sessions');

interface Told {
  readonly taker: Taker;
  state?: SessionState;
  capabilities?: Capabilities;
  /** By the address of the conversation. */
  places: Map<string, Capabilities>;
}

/**
 * Writes down what sessions say of their accounts: the last word of each, as many as there are in one transaction. A
 * thousand accounts that lose their network together are one write, not a thousand.
 */
@Injectable()
export class StateWriter {
  private told = new Map<AccountId, Told>();
  private running: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly book: LinkBook,
    private readonly intake: IntakeStore,
    private readonly leases: Leases,
    private readonly clock: Clock,
  ) {}

  tell(taker: Taker, report: { readonly account: AccountId; readonly state: SessionState }): void {
    this.entry(taker, report.account).state = report.state;
  }

  tellCapabilities(taker: Taker, account: AccountId, capabilities: Capabilities): void {
    this.entry(taker, account).capabilities = capabilities;
  }

  tellPlace(taker: Taker, account: AccountId, conversation: string, capabilities: Capabilities): void {
    this.entry(taker, account).places.set(conversation, capabilities);
  }

  /** Resolves when all that was told is written, or the database has been away for five seconds. */
  async idle(): Promise<void> {
    const end = this.clock.monotonic() + 5_000;
    while (this.running && this.clock.monotonic() < end) {
      await Promise.race([this.running, new Promise<void>((late) => this.clock.after(250, late))]);
    }
  }

  private entry(taker: Taker, account: AccountId): Told {
    let told = this.told.get(account);
    if (told?.taker.epoch !== taker.epoch) {
      told = { taker, places: new Map() };
      this.told.set(account, told);
    }
    this.running ??= this.write().finally(() => {
      this.running = undefined;
    });
    return told;
  }

  private async write(): Promise<void> {
    await new Promise<void>((turn) => setImmediate(turn));
    while (this.told.size > 0) {
      const batch = this.told;
      this.told = new Map();
      const workspaces = new Set([...batch.values()].map(({ taker }) => taker.workspace));
      for (const workspace of workspaces) {
        const ours = [...batch].filter(([, { taker }]) => taker.workspace === workspace);
        try {
          await this.commit(workspace, ours);
        } catch (error) {
          log.warn({ err: error }, 'session states could not be written');
          // What was told since is newer.
          for (const [account, told] of ours) if (!this.told.has(account)) this.told.set(account, told);
          await new Promise<void>((again) => this.clock.after(RETRY_MS, again));
        }
      }
    }
  }

  private async commit(workspace: WorkspaceId, told: readonly [AccountId, Told][]): Promise<void> {
    const last = await this.database.transaction(async (sql) => {
      const claims = new Map(told.map(([, { taker }]) => [taker.link, taker]));
      const held = await this.leases.hold(sql, [...claims.values()]);
      const ours = told.filter(([, { taker }]) => held.has(taker.link));
      const reports = ours.flatMap(([account, { state, capabilities }]): SessionReport[] =>
        state || capabilities
          ? [
              {
                account,
                ...(state ? { state } : {}),
                ...(capabilities ? { capabilities } : {}),
              },
            ]
          : [],
      );
      const events = [
        ...(await this.book.saveSession(sql, reports)),
        ...(await this.intake.saveCapabilities(
          sql,
          ours.flatMap(([account, { places }]) =>
            [...places].map(([address, capabilities]) => ({ account, address, capabilities })),
          ),
        )),
      ];
      return events.length > 0 ? (await this.events.append(sql, workspace, events)).last : undefined;
    });
    if (last !== undefined) this.events.committed(workspace, last);
  }
}
