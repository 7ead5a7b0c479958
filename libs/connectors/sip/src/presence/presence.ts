/*
 * Presence, both ways: ours to those who may see it, and that of our person's contacts. Where a server keeps presence for us
 * it is published there, and the server tells who asks; whoever asks us directly is answered here, in either mode.
 */
import type { Admission, DesiredContact, DesiredState } from '#connector';
import { presences, type PresenceState } from '#model';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import { Askers } from './askers.js';
import { Notifier } from './notifier.js';
import { OwnWatchers } from './own-watchers.js';
import { Publisher } from './publisher.js';
import { Watching } from './watching.js';

export class SipPresence {
  /** Those who take what comes; in the account's residence. */
  readonly services: readonly Service[];
  readonly #askers: Askers;
  readonly #watching: Watching;
  readonly #notifier: Notifier;
  readonly #publisher: Publisher | undefined;

  /** @param isRegistered the account has a server of its own, which may keep its presence; else it is on a trunk. */
  constructor(parts: Parts, desired: DesiredState, isRegistered: boolean) {
    const state = stateOf(desired.presence);
    this.#askers = new Askers(parts, desired.admissions ?? []);
    this.#watching = new Watching(parts, desired.contacts);
    this.#notifier = new Notifier(parts, this.#askers, state);
    this.#publisher = isRegistered ? new Publisher(parts, state) : undefined;
    this.services = [
      this.#askers,
      ...(this.#publisher === undefined ? [] : [this.#publisher, new OwnWatchers(parts, this.#askers)]),
      this.#notifier,
      this.#watching,
    ];
  }

  /**
   * The farewell, one word after the other: a server of many processes that is told at once that a document goes and that we
   * watch no longer may tell nobody of the one (Kamailio on SQLite sends no NOTIFY then).
   */
  async leave(): Promise<void> {
    for (const service of this.services) await service.leave?.();
  }

  setContacts(contacts: readonly DesiredContact[]): void {
    this.#watching.setContacts(contacts);
  }

  setAdmissions(admissions: readonly Admission[]): void {
    this.#askers.setAdmissions(admissions);
    this.#notifier.setAdmissions();
  }

  setPresence(state: PresenceState): void {
    this.#publisher?.setPresence(state);
    this.#notifier.setPresence(state);
  }
}

/** As it was stored. */
function stateOf({ presence, note }: DesiredState['presence']): PresenceState {
  const known = presences.find((one) => one === presence) ?? 'available';
  return { presence: known, ...(note !== undefined && { note }) };
}
