import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DueSweep, EventLog } from '#bus';
import { failure, type WorkspaceId } from '#model';
import { Database, logger } from '#platform';
import { callChanged } from './call-ledger.js';
import { lockDue, updateCalls, workspacesDue } from './call.store.js';
import { lostAs, tell } from './tale.js';

const MOST = 500;

const log = logger('calls');

/** Ends what nobody tells of any more: no call rings for ever in the tables because whoever knew of it is gone. */
@Injectable()
export class CallSweep implements OnApplicationBootstrap {
  constructor(
    private readonly due: DueSweep,
    private readonly database: Database,
    private readonly events: EventLog,
  ) {}

  onApplicationBootstrap(): void {
    this.due.add('calls-lost', async () => {
      for (const workspace of await workspacesDue(this.database)) await this.settle(workspace);
      return undefined;
    });
  }

  private async settle(workspace: WorkspaceId): Promise<void> {
    const last = await this.database.transaction(async (sql) => {
      const lost = await lockDue(sql, workspace, MOST);
      if (lost.length === 0) return undefined;
      const why = failure('unknown', 'Nothing more was heard of it.');
      const at = new Date();
      await updateCalls(
        sql,
        lost.map((call) => ({
          ...tell(call, { state: lostAs(call.state), failure: why, at }),
          id: call.id,
          changed: true,
          dueInMs: undefined,
        })),
      );
      log.info({ lost: lost.length }, 'calls of which nothing more was heard are over');
      return (await this.events.append(sql, workspace, lost.map(callChanged))).last;
    });
    if (last !== undefined) this.events.committed(workspace, last);
  }
}
