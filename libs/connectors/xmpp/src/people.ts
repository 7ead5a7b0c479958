/*
 * People, but for what they say: the roster, who may see whom, how reachable everybody is, whom we block, and what they
 * tell of themselves.
 */
import type { Service } from './core/port.js';
import { Avatars } from './avatars.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { OwnPresence } from './presence.js';
import { Reachability } from './reachability.js';
import { Roster } from './roster.js';
import { Subscriptions } from './subscriptions.js';

export class People implements Service {
  readonly roster: Roster;
  readonly subscriptions: Subscriptions;
  readonly presence: OwnPresence;
  /** Those who hear, in their order. */
  readonly services: readonly Service[];
  readonly #parts: Parts;
  #over = false;
  #visible: () => void = () => undefined;
  /** Resolves when the server knows that we are there, so that what is said to us from now on comes here. */
  readonly visible = new Promise<void>((done) => {
    this.#visible = done;
  });

  constructor(parts: Parts, disco: Disco) {
    this.#parts = parts;
    this.roster = new Roster(parts);
    this.presence = new OwnPresence(parts, disco);
    this.subscriptions = new Subscriptions(parts, this.roster);
    this.services = [
      this,
      this.roster,
      this.subscriptions,
      new Avatars(parts, this.roster),
      new Reachability(parts, this.roster),
    ];
  }

  /** The roster is asked for first: whoever has it hears of all that comes because of our presence (RFC 6121 §2.2). */
  online(how: 'new' | 'resumed'): void {
    if (how === 'resumed') {
      this.#follow();
      return;
    }
    void this.roster.begin().then(() => {
      if (!this.#over) this.presence.show(this.#visible);
    });
  }

  /** What was wanted while no stream stood. */
  #follow(): void {
    const { contacts, admissions, presence } = this.#parts.wishes;
    this.roster.setContacts(contacts);
    this.subscriptions.setAdmissions(admissions);
    this.presence.setPresence(presence);
  }

  ended(): void {
    this.#over = true;
    this.#visible();
  }
}
