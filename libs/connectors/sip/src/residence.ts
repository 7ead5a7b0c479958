/*
 * What an account does on its network, however it got there: it talks, shows who is writing, tells what was received,
 * and shows presence. What comes goes to whom it concerns.
 */
import type {
  Admission,
  CallName,
  CallOrder,
  DesiredContact,
  DesiredState,
  EndOutcome,
  OutboundEnvelope,
  Place,
  PlaceOutcome,
  SendOutcome,
} from '#connector';
import { inTime } from '#connector/session';
import type { PresenceState } from '#model';
import { tagOf, type Incoming } from '#protocols/sip';
import { Calls } from './calls/calls.js';
import type { Service } from './line.js';
import { Manners } from './manners.js';
import type { Parts } from './parts.js';
import { answerOptions } from './pool.js';
import { SipPresence } from './presence/presence.js';
import { Receipts } from './receipts.js';
import { Talk } from './talk.js';
import { Typing } from './typing.js';

export class Residence {
  readonly #parts: Parts;
  readonly #receipts: Receipts;
  readonly #typing: Typing;
  readonly #talk: Talk;
  readonly #presence: SipPresence;
  readonly #calls: Calls;
  readonly #services: readonly Service[];

  /** @param isRegistered it has a server of its own; else it is on a trunk. */
  constructor(parts: Parts, desired: DesiredState, isRegistered: boolean) {
    this.#parts = parts;
    const manners = new Manners(parts);
    this.#receipts = new Receipts(parts);
    this.#typing = new Typing(parts, manners);
    this.#talk = new Talk(parts, manners, this.#receipts, this.#typing);
    this.#presence = new SipPresence(parts, desired, isRegistered);
    this.#calls = new Calls(parts, desired.presence.presence);
    this.#services = [this.#talk, ...this.#presence.services, this.#calls];
  }

  /** Whether a request belongs to a dialog of the account's. */
  knows(incoming: Incoming): boolean {
    const { method, headers } = incoming.request;
    return (
      tagOf(headers.get('to')) !== undefined &&
      this.#services.some((one) => one.methods.includes(method) && one.takes?.(incoming) === true)
    );
  }

  /** Takes a request that is for the account. Answers it, at once or when it is stored. */
  take(incoming: Incoming): void {
    const { method } = incoming.request;
    if (method === 'OPTIONS') {
      answerOptions(incoming);
      return;
    }
    const service = this.#services.find(
      (one) => one.methods.includes(method) && one.takes?.(incoming) !== false,
    );
    if (service !== undefined) service.take(incoming);
    // Whoever knows nothing of it says so: it is of a dialog that is over (RFC 3261 §12.2.2), or of none.
    else incoming.respond(481);
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    return this.#talk.send(envelope, signal);
  }

  typing(conversation: string, active: boolean): void {
    this.#typing.typing(conversation, active);
  }

  markRead(conversation: string, upTo: Place): void {
    void this.#receipts.read(conversation, upTo);
  }

  setContacts(contacts: readonly DesiredContact[]): void {
    this.#presence.setContacts(contacts);
  }

  setAdmissions(admissions: readonly Admission[]): void {
    this.#presence.setAdmissions(admissions);
  }

  setPresence(presence: PresenceState): void {
    this.#presence.setPresence(presence);
    this.#calls.setPresence(presence.presence);
  }

  placeCall(order: CallOrder): PlaceOutcome {
    return this.#calls.place(order);
  }

  endCall(call: CallName): EndOutcome {
    return this.#calls.end(call);
  }

  online(): void {
    for (const service of this.#services) service.online?.();
  }

  offline(): void {
    for (const service of this.#services) service.offline?.();
  }

  /** The farewell, while it is still online. Whoever does not hear it in time is not waited for. */
  async leave(): Promise<void> {
    this.#typing.close();
    const { context, timings } = this.#parts;
    const farewells = [this.#talk.leave(), this.#calls.leave(), this.#presence.leave()];
    await inTime(Promise.all(farewells), timings.close / 2, context.clock);
  }
}
