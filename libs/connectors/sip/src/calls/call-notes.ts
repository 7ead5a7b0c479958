/*
 * What is kept of calls while they go on, so that whoever comes after a session that died can end them: no phone rings on
 * because of us, and no call goes without an end.
 */
import type { InboundBatch, InboundCall, InboundParty, JsonObject, JsonValue } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import { brand, isUuid, type CallId } from '#model';
import { Dialog, requestOf, type DialogState, type SipRequest } from '#protocols/sip';
import type { Parts } from '../parts.js';

const key = 'sip.calls';

/** Of an INVITE what its CANCEL needs, as it went out (RFC 3261 §9.1). */
interface InviteNote {
  readonly uri: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** One phone: how to give up calling it, or how to hang up. */
export interface LegNote {
  readonly invite?: InviteNote;
  readonly dialog?: DialogState;
}

export interface PlacedNote {
  readonly to: InboundParty;
  readonly answered: boolean;
  readonly legs: readonly LegNote[];
}

/** A call that rings here, but for how it stands. */
export type RingingNote = Pick<InboundCall, 'call' | 'party'>;

const inviteFields = ['via', 'route', 'from', 'to', 'call-id', 'cseq'] as const;

/** What is to be kept of an INVITE. */
export function inviteNote({ uri, headers }: SipRequest): InviteNote {
  return { uri, headers: Object.fromEntries(inviteFields.map((name) => [name, headers.all(name)])) };
}

/** An INVITE as far as it was kept. */
export function inviteFrom({ uri, headers }: InviteNote): SipRequest {
  return requestOf('INVITE', uri, headers);
}

/** A dialog that an earlier session had: our next request has a number that none of its had. */
export function dialogFrom(state: DialogState): Dialog {
  return Dialog.fromJSON({ ...state, localSequence: (state.localSequence ?? 0) + 100 });
}

export interface Inheritance {
  readonly placed: ReadonlyMap<CallId, PlacedNote>;
  readonly ringing: readonly RingingNote[];
}

export class CallNotes {
  readonly #parts: Parts;
  readonly #placed = new Map<CallId, PlacedNote>();
  readonly #ringing = new Map<string, RingingNote>();
  /** What an earlier session left. */
  readonly inherited: Promise<Inheritance>;
  /** Everything is stored in the order in which it was told, and nothing before it is known what was left. */
  #last: Promise<unknown>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.inherited = this.#inherit();
    this.#last = this.inherited;
  }

  placed(id: CallId, note: PlacedNote | undefined): void {
    if (note === undefined) this.#placed.delete(id);
    else this.#placed.set(id, note);
  }

  ringing(remoteId: string, note: RingingNote | undefined): void {
    if (note === undefined) this.#ringing.delete(remoteId);
    else this.#ringing.set(remoteId, note);
  }

  /** Tells events with what is kept now; again and again until the house has them. */
  tell(...events: InboundBatch['events']): void {
    void this.#store(events, Infinity);
  }

  /** Keeps what there is now. @throws Error where it is not kept in time. */
  async keep(): Promise<void> {
    const { context, timings } = this.#parts;
    const kept = await this.#store([], context.clock.monotonic() + timings.deadline);
    if (!kept) throw new Error('what is needed to give the call up cannot be kept now');
  }

  #store(events: InboundBatch['events'], until: number): Promise<boolean> {
    const stored = this.#last.then(() => {
      const keyValues: Notes = [{ account: this.#parts.account, key, value: this.#value() }];
      return this.#insist({ events, keyValues }, until);
    });
    this.#last = stored;
    return stored;
  }

  /** What was left is kept on, until it is done with. */
  async #inherit(): Promise<Inheritance> {
    const { context, account, keeper } = this.#parts;
    let noted = await readNote(context, account, key);
    while (noted === undefined && !keeper.isClosed) {
      await this.#pause(1_000);
      noted = await readNote(context, account, key);
    }
    const { placed, ringing } = fieldsOf(noted?.value);
    for (const [id, note] of Object.entries(fieldsOf(placed))) {
      if (isUuid(id)) this.#placed.set(brand<'CallId'>(id), note as unknown as PlacedNote);
    }
    return {
      placed: new Map(this.#placed),
      ringing: Object.values(fieldsOf(ringing)) as unknown as RingingNote[],
    };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      this.#parts.context.clock.after(ms, done);
    });
  }

  async #insist(batch: InboundBatch, until: number): Promise<boolean> {
    const { keeper, context } = this.#parts;
    for (;;) {
      const kept = await keeper.store(batch);
      if (kept.kept === 'kept') return true;
      if (kept.kept === 'refused' || keeper.isClosed || context.clock.monotonic() > until) return false;
      const wait = kept.kept === 'not-kept' ? kept.retryAfterMs : 1_000;
      await this.#pause(wait);
    }
  }

  #value(): JsonValue | null {
    if (this.#placed.size === 0 && this.#ringing.size === 0) return null;
    const value = { placed: Object.fromEntries(this.#placed), ringing: Object.fromEntries(this.#ringing) };
    return value as unknown as JsonObject;
  }
}
