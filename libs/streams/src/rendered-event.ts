import { EventBody } from '#api';
import { encodeCursor } from '#bus';
import type { EventType, LogEvent, PersonId } from '#model';
import type { Rendering } from './views.js';

/** Names under which entities are shown. In the log the same names may hold ids: those are not shown. */
const entityNames: ReadonlySet<string> = new Set(Object.keys(EventBody.shape));

/** An event as text: written once, read by everybody who may see it. */
export class RenderedEvent {
  readonly sequence: bigint;
  readonly cursor: string;
  readonly type: EventType;
  readonly subject: string;
  /** UTF-16 code units of its text, about. */
  readonly size: number;
  readonly #whole: string;
  readonly #bare: string;
  readonly #hiddenFrom: ReadonlySet<PersonId> | undefined;
  #last: { readonly prev: bigint; readonly bare: boolean; readonly frame: Buffer } | undefined;

  constructor(event: LogEvent, rendering: Rendering | undefined) {
    this.sequence = event.sequence;
    this.cursor = encodeCursor(event.sequence);
    this.type = event.type;
    this.subject = event.subject;
    this.#hiddenFrom = rendering?.hiddenFrom;
    const facts = Object.fromEntries(Object.entries(event.data).filter(([key]) => !entityNames.has(key)));
    this.#whole = textOf(event, { ...facts, ...rendering?.data });
    this.#bare = this.#hiddenFrom ? textOf(event, facts) : this.#whole;
    this.size = this.#whole.length;
  }

  /**
   * The frame for one reader: `{"cursor":…,"prev":…,"event":…}` in UTF-8. Readers who stand at the same place get the
   * same buffer.
   */
  frame(prev: bigint, person: PersonId): Buffer {
    const bare = this.#hiddenFrom?.has(person) === true;
    if (this.#last?.prev === prev && this.#last.bare === bare) return this.#last.frame;
    const frame = Buffer.from(
      `{"cursor":"${this.cursor}","prev":"${encodeCursor(prev)}","event":${bare ? this.#bare : this.#whole}}`,
    );
    this.#last = { prev, bare, frame };
    return frame;
  }
}

function textOf(event: LogEvent, data: Readonly<Record<string, unknown>>): string {
  const { id, type, at, audience, subject } = event;
  return JSON.stringify({
    id,
    type,
    at: at.toISOString(),
    ...(audience.kind === 'account' ? { account: audience.account } : {}),
    subject,
    data,
  });
}
