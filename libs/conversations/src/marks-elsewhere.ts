import { Injectable } from '@nestjs/common';
import { EventLog } from '#bus';
import type { WorkspaceId } from '#model';
import type { Sql } from '#platform';
import { markChanged } from './marks.service.js';
import { moveMarks, reachedElsewhere, type ReadElsewhere } from './marks.store.js';

/** What was read on other devices: it moves the mark of the account's holder, forward only. */
@Injectable()
export class MarksElsewhere {
  constructor(private readonly log: EventLog) {}

  /** In the caller's transaction, after its messages. Answers the last event's number; undefined where nothing moved. */
  async move(sql: Sql, workspace: WorkspaceId, reads: readonly ReadElsewhere[]): Promise<bigint | undefined> {
    const moves = await reachedElsewhere(sql, reads);
    if (moves.length === 0) return undefined;
    const events = moves.map(({ person, conversation }) => markChanged('read.changed', person, conversation));
    const { last } = await this.log.append(sql, workspace, events, moveMarks(moves));
    return last;
  }
}
