import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Ephemerals } from '#bus';
import type { AccountId, PresenceState } from '#model';
import { Clock, logger } from '#platform';
import { Identities, type PresenceRow } from '#roster';
import type { Taker } from './inbound-units.js';

/** Presence is kept in bulk at most this often; those who look hear of it at once. */
const FLUSH_MS = 1_000;

const log = logger('sessions');

/** Passes presence on to those who look, and keeps the latest with the identities. */
@Injectable()
export class PresenceWriter implements OnModuleDestroy {
  private waiting = new Map<string, PresenceRow>();
  private cancel: (() => void) | undefined;

  constructor(
    private readonly identities: Identities,
    private readonly ephemerals: Ephemerals,
    private readonly clock: Clock,
  ) {}

  tell(taker: Taker, account: AccountId, address: string, presence: PresenceState): void {
    this.ephemerals.publish(
      taker.workspace,
      { type: 'presence', audience: { kind: 'account', account }, data: { account, address, ...presence } },
      address,
    );
    this.waiting.set(`${account} ${address}`, { account, address, presence, epoch: taker.epoch });
    this.cancel ??= this.clock.after(FLUSH_MS, () => {
      void this.flush();
    });
  }

  /** An account that is not online learns nothing of anybody: those who look are told that nothing is known. */
  lost(taker: Taker, account: AccountId): void {
    this.ephemerals.publish(
      taker.workspace,
      { type: 'presence', audience: { kind: 'account', account }, data: { account, presence: 'unknown' } },
      'everybody',
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.cancel?.();
    await this.flush();
  }

  private async flush(): Promise<void> {
    this.cancel = undefined;
    const rows = [...this.waiting.values()];
    this.waiting = new Map();
    try {
      await this.identities.savePresence(rows);
    } catch (error) {
      log.warn({ err: error, rows: rows.length }, 'presence could not be kept; the next change will be');
    }
  }
}
