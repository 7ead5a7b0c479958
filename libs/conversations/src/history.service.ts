import { Injectable } from '@nestjs/common';
import type { Principal, QueryOf } from '#accounts';
import { decodePosition, encodePosition, type Message, type MessagePage, type Routes } from '#api';
import { EventLog } from '#bus';
import { newId, type ConversationId, type MessageId } from '#model';
import { Database } from '#platform';
import { hideMessage, readGaps, readStretch, type Standing, type Stretch } from './history.store.js';
import { changeMark } from './marks.store.js';
import { markChanged } from './marks.service.js';
import { MessageViews } from './message.views.js';
import { notOurs } from './next.js';
import { noMessage, Sight } from './sight.js';
import { walk } from './walk.js';

/** More gaps than this are not told of one page. */
const mostGaps = 100;

/** What was said, as one person sees it. */
@Injectable()
export class History {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly views: MessageViews,
    private readonly sight: Sight,
  ) {}

  /**
   * A page in the order of positions: the latest, those just before a position, or those just after one.
   * @throws Problem 404 `not-found`
   */
  async page(
    principal: Principal,
    id: ConversationId,
    query: QueryOf<Routes['listMessages']>,
  ): Promise<MessagePage> {
    const place = await this.sight.conversation(principal, id);
    const stretch: Stretch = {
      after: standingOf(query.after, 'after'),
      before: standingOf(query.before, 'before'),
      from: query.after === undefined ? 'newest' : 'oldest',
    };
    const found = await walk(
      this.database,
      async (sql) => await readStretch(sql, id, principal.person, stretch, query.limit + 1),
    );
    const more = found.length > query.limit;
    const edge = found.slice(0, query.limit).at(-1);
    const page = found.slice(0, query.limit);
    if (stretch.from === 'newest') page.reverse();
    const items = await this.views.inOrder(
      page.map((each) => each.id),
      await this.sight.of(principal),
    );
    const [from, until] = covered(stretch, more ? edge : undefined);
    const gaps = await readGaps(this.database, place.account, id, from, until, mostGaps);
    return more && edge
      ? { items, gaps, next: encodePosition(edge.position, edge.sequence) }
      : { items, gaps };
  }

  /** @throws Problem 404 `not-found` */
  async get(principal: Principal, id: MessageId): Promise<Message> {
    const message = (await this.views.byIds([id], await this.sight.of(principal))).get(id);
    if (message === undefined) throw noMessage();
    return message;
  }

  /**
   * Hides a message from its caller only: from history, search, unread and the stream. The answer is what is hidden.
   * The event says what is hidden, so that the person's other clients let go of it.
   * @throws Problem 404 `not-found`, also for one that is hidden already
   */
  async hide(principal: Principal, id: MessageId): Promise<Message> {
    const message = await this.get(principal, id);
    const { person, workspace } = principal;
    const appended = await this.database.transaction(async (sql) => {
      if (!(await hideMessage(sql, person, id))) return undefined;
      const hidden = {
        id: newId<'EventId'>(),
        type: 'message.erased',
        audience: { kind: 'person', person },
        subject: id,
        data: { hidden: id, conversation: message.conversation },
      } as const;
      const events = [hidden, markChanged('read.changed', person, message.conversation)];
      return await this.log.append(sql, workspace, events, changeMark(person, message.conversation, {}));
    });
    if (appended !== undefined) this.log.committed(workspace, appended.last);
    return message;
  }
}

/** @throws Problem 422 `invalid` */
function standingOf(position: string | undefined, parameter: string): Standing | undefined {
  if (position === undefined) return undefined;
  const standing = decodePosition(position);
  if (standing === undefined) throw notOurs(parameter);
  return standing;
}

/** The time that a page covers: up to where it ends, or without end where nothing more follows. */
function covered(stretch: Stretch, edge: Standing | undefined): [Date | undefined, Date | undefined] {
  const bounds = [stretch.after, stretch.before];
  if (edge !== undefined) bounds[stretch.from === 'newest' ? 0 : 1] = edge;
  return [timeOf(bounds[0]), timeOf(bounds[1])];
}

const latestDate = 8_640_000_000_000_000n;

function timeOf(standing: Standing | undefined): Date | undefined {
  if (standing === undefined) return undefined;
  const ms = standing.position / 1_000n;
  return ms > latestDate ? undefined : new Date(Number(ms));
}
