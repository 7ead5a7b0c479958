import type { EventBody } from '#api';
import type { EventId, EventType, LogEvent, PersonId, WorkspaceId } from '#model';

/** What an event of the log says once its entities are joined. */
export interface Rendering {
  /** The entities that it is about, as they are now, each under its own name; without those that are gone. */
  readonly data: EventBody;
  /** People of the audience who are only told that it happened: they have hidden what it is about. */
  readonly hiddenFrom?: ReadonlySet<PersonId>;
}

/**
 * How a room shows its events. The log holds ids and never a body: bodies are joined when it is read, here, so that
 * erasing needs no rewriting of the log.
 *
 * A rendering rests on the event and on its audience, never on who of the audience reads: it is made once and given to
 * all of them. An event for one person is read by that person only, and may show what is theirs.
 */
export interface Views {
  readonly types: readonly EventType[];
  /** Any number of events of these types, in few statements. An event that is left out has nothing to show. */
  render(workspace: WorkspaceId, events: readonly LogEvent[]): Promise<ReadonlyMap<EventId, Rendering>>;
}

/** The Nest token of the views that are there from the start: `readonly Views[]`. Higher rooms add theirs later. */
export const VIEWS = Symbol('views');
