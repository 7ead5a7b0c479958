/*
 * Who sees our person's presence and who asks to, told to the house: as those know it who ask us directly, and as the server
 * tells it that keeps our presence. What was told is noted, so that what has changed over a restart is told as a change.
 */
import type { Admission, InboundContact, InboundParty, JsonValue } from '#connector';
import { fieldsOf, readNote, Timers } from '#connector/session';
import type { AdmissionAnswer } from '#model';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import { partyOf, uriOf } from '../sip.addresses.js';

const noteKey = 'sip.askers';
/** More than these are not told of. */
const most = 500;
/** Whoever asked us before a restart and has not come back by then asks no more: a subscription lasts an hour. */
const comesBackMs = 3_900_000;
const againMs = 5_000;

export type Source = 'direct' | 'server';
/** How somebody stands with one source. */
export type Standing = 'asks' | 'sees';

const sources: readonly Source[] = ['direct', 'server'];

interface Asker {
  readonly party: InboundParty;
  readonly standing: Standing;
}

export class Askers implements Service {
  readonly methods = [];
  readonly #parts: Parts;
  readonly #timers: Timers;
  readonly #standing: Readonly<Record<Source, Map<string, Asker>>> = { direct: new Map(), server: new Map() };
  /** Restored from the note, and not seen since. */
  readonly #restored = new Set<string>();
  readonly #told = new Map<string, string>();
  readonly #changed = new Map<string, InboundParty>();
  #answers = new Map<string, AdmissionAnswer>();
  #loading: Promise<void> | undefined;
  #storing = false;

  constructor(parts: Parts, admissions: readonly Admission[]) {
    this.#parts = parts;
    this.#timers = new Timers(parts.context.clock);
    this.#answers = answersOf(admissions);
  }

  /** What our person has answered somebody. */
  answerTo(address: string): AdmissionAnswer | undefined {
    return this.#answers.get(address);
  }

  setAdmissions(admissions: readonly Admission[]): void {
    this.#answers = answersOf(admissions);
    for (const source of sources) {
      for (const { party } of this.#standing[source].values()) this.#change(party);
    }
    void this.#tell();
  }

  /** The account is online: what an earlier session told is read first. */
  online(): void {
    this.#loading ??= this.#load();
    void this.#tell();
    this.#timers.set('back', comesBackMs, () => {
      for (const address of this.#restored) this.set('direct', { address, kind: 'stable' }, undefined);
    });
  }

  offline(): void {
    this.#timers.clear();
  }

  take(): void {
    // Nothing comes to it but through those who take it.
  }

  /** How somebody stands with a source now; undefined: not at all. */
  set(source: Source, party: InboundParty, standing: Standing | undefined): void {
    const { address } = party;
    const known = this.#standing[source];
    if (source === 'direct') this.#restored.delete(address);
    if (standing === undefined) known.delete(address);
    else if (known.has(address) || known.size < most) known.set(address, { party, standing });
    this.#change(party);
    void this.#tell();
  }

  /** All that stand with a source now. */
  replace(source: Source, askers: readonly Asker[]): void {
    const known = this.#standing[source];
    for (const { party } of known.values()) this.#change(party);
    known.clear();
    for (const asker of askers.slice(0, most)) {
      known.set(asker.party.address, asker);
      this.#change(asker.party);
    }
    void this.#tell();
  }

  #change(party: InboundParty): void {
    this.#changed.set(party.address, party);
  }

  async #tell(): Promise<void> {
    await this.#loading;
    if (this.#loading === undefined || this.#storing) return;
    const { keeper, account } = this.#parts;
    this.#storing = true;
    while (this.#changed.size > 0 && !keeper.isClosed) {
      const parties = [...this.#changed.values()];
      this.#changed.clear();
      const events = parties.flatMap((party) => this.#eventOf(party));
      if (events.length === 0) continue;
      const { kept } = await keeper.store({
        events,
        keyValues: [{ account, key: noteKey, value: this.#note() }],
      });
      if (kept === 'kept' || kept === 'refused') {
        for (const event of events) this.#told.set(event.party.address, keyOf(event));
        continue;
      }
      for (const party of parties) this.#change(party);
      this.#timers.set('again', againMs, () => void this.#tell());
      break;
    }
    this.#storing = false;
  }

  /** How somebody stands with all sources, where that is not what was told last. */
  #eventOf(party: InboundParty): readonly InboundContact[] {
    const standing = sources.map((source) => this.#standing[source].get(party.address)?.standing);
    const event: InboundContact = {
      type: 'contact',
      account: this.#parts.account,
      party,
      listed: false,
      groups: [],
      subscription: standing.includes('sees') ? 'from' : 'none',
      // Whoever has an answer of our person asks no more, whatever a server makes of it.
      asks: standing.includes('asks') && !this.#answers.has(party.address),
      awaited: false,
      at: new Date(this.#parts.context.clock.now()),
    };
    const before = this.#told.get(party.address) ?? keyOf({ subscription: 'none', asks: false });
    return keyOf(event) === before ? [] : [event];
  }

  async #load(): Promise<void> {
    const { context, account } = this.#parts;
    const noted = fieldsOf((await readNote(context, account, noteKey))?.value);
    for (const source of sources) {
      for (const [address, standing] of Object.entries(fieldsOf(noted[source]))) {
        const party = partyOf(`<${uriOf(address)}>`);
        if (party?.address !== address || (standing !== 'asks' && standing !== 'sees')) continue;
        if (!this.#standing[source].has(address)) {
          this.#standing[source].set(address, { party, standing });
          if (source === 'direct') this.#restored.add(address);
        }
        this.#told.set(
          address,
          keyOf({ subscription: standing === 'sees' ? 'from' : 'none', asks: standing === 'asks' }),
        );
        this.#change(party);
      }
    }
  }

  #note(): JsonValue | null {
    const [direct, server] = sources.map((source) =>
      Object.fromEntries([...this.#standing[source]].map(([address, { standing }]) => [address, standing])),
    );
    const isEmpty = sources.every((source) => this.#standing[source].size === 0);
    return isEmpty ? null : { direct: direct ?? {}, server: server ?? {} };
  }
}

function keyOf({ subscription, asks }: Pick<InboundContact, 'subscription' | 'asks'>): string {
  return `${subscription} ${String(asks)}`;
}

function answersOf(admissions: readonly Admission[]): Map<string, AdmissionAnswer> {
  return new Map(admissions.map(({ address, answer }) => [address, answer]));
}
