import { Injectable } from '@nestjs/common';
import { Access, type Principal } from '#accounts';
import type { ResetReason } from '#api';
import { encodeCursor, EventLog, type ReaderScope } from '#bus';
import type { LogEvent, PersonId } from '#model';
import { EventRenderer } from './event-renderer.js';

/** A page ends early when its text is longer than this: a few long messages make a page, too. */
const longestPage = 4 * 1024 * 1024;

/** Pages of the log, for those who ask now and then. */
@Injectable()
export class EventPages {
  constructor(
    private readonly log: EventLog,
    private readonly access: Access,
    private readonly renderer: EventRenderer,
  ) {}

  /**
   * An `EventPage` as JSON text.
   * @param since undefined: from now on, so the page is empty and says where that is.
   */
  async page(principal: Principal, since: bigint | undefined, limit: number): Promise<string> {
    const { workspace, person } = principal;
    // Before the page: what is not on a page that is not full did not lie before this.
    const before = await this.log.head(workspace);
    if (since === undefined) return pageOf([], before.sequence, false);
    const accounts = await this.access.accountsNow(workspace, person);
    const scope: ReaderScope = { person, accounts };
    const events = await this.log.page(workspace, since, limit, scope);
    // After the page: the floor rises before rows go.
    const after = await this.log.head(workspace);
    if (since < after.floor) return resetOf('retention', since);
    if (since > after.sequence) return resetOf('ahead', since);
    if (events.some((event) => tellsOfAccess(event, person))) return resetOf('access', since);
    const rendered = await this.renderer.render(workspace, events);
    const frames: string[] = [];
    let prev = since;
    let length = 0;
    for (const event of rendered) {
      if (length > longestPage) break;
      frames.push(event.frame(prev, person).toString());
      prev = event.sequence;
      length += event.size;
    }
    const more = frames.length < rendered.length || events.length === limit;
    return pageOf(frames, more || prev > before.sequence ? prev : before.sequence, more);
  }
}

/** What the person may see changed: whoever follows begins again. */
function tellsOfAccess({ type, audience }: LogEvent, person: PersonId): boolean {
  return type === 'access.changed' && audience.kind === 'person' && audience.person === person;
}

function pageOf(frames: readonly string[], cursor: bigint, more: boolean): string {
  return `{"items":[${frames.join(',')}],"cursor":"${encodeCursor(cursor)}","more":${String(more)}}`;
}

function resetOf(reason: ResetReason, cursor: bigint): string {
  return JSON.stringify({ items: [], cursor: encodeCursor(cursor), more: false, reset: { reason } });
}
