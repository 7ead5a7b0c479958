/*
 * Who may see our person's presence (RFC 6121 §3): who asks is told to the house, and our person's answer is given, also
 * one that was given before they asked (§3.4). What we ask of others is the roster's business.
 */
import type { Admission, InboundParty } from '#connector';
import type { AdmissionAnswer, Subscription } from '#model';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Roster } from './roster.js';
import { nickIn, nickNs } from './xep/0172.js';
import { subscribingOf, subscription } from './xep/rfc6121.js';
import { addressOf, bareOf } from './xmpp.addresses.js';

/** More people than this who ask at a time are kept waiting by the server alone. */
const mostAskers = 1_000;

export class Subscriptions implements Service {
  readonly features = [nickNs];
  readonly #parts: Parts;
  readonly #roster: Roster;
  /** Who asks, with what they would like to be called. */
  readonly #askers = new Map<string, string | undefined>();
  #answers = new Map<string, AdmissionAnswer>();
  /** What was answered on this binding, so that it is not said again with every wish. */
  readonly #said = new Map<string, AdmissionAnswer>();

  constructor(parts: Parts, roster: Roster) {
    this.#parts = parts;
    this.#roster = roster;
    this.#answers = answersOf(parts.wishes.admissions);
    roster.tellThrough((address) => {
      this.#tell(address);
    });
    roster.listen({
      complete: () => {
        for (const [address, answer] of this.#answers) this.#answer(address, answer);
      },
    });
  }

  setAdmissions(admissions: readonly Admission[]): void {
    this.#answers = answersOf(admissions);
    for (const address of [...this.#said.keys()]) {
      if (!this.#answers.has(address)) this.#said.delete(address);
    }
    if (!this.#roster.isComplete) return;
    for (const [address, answer] of this.#answers) this.#answer(address, answer);
    this.#parts.inlet.flush();
  }

  hear(stanza: Element): boolean {
    const step = stanza.getName() === 'presence' ? subscribingOf(stanza) : undefined;
    if (step === undefined) return false;
    const from = bareOf(stanza.attrs['from']);
    if (from === undefined || from === this.#parts.port.self.bare) return true;
    if (step === 'subscribe') this.#asks(from, nickIn(stanza));
    // What they granted or took back the server puts on the roster.
    else if (step === 'unsubscribe' && this.#askers.delete(from)) this.#tell(from);
    return true;
  }

  #asks(from: string, nick: string | undefined): void {
    if (!this.#askers.has(from) && this.#askers.size >= mostAskers) return;
    this.#askers.set(from, nick);
    const answer = this.#answers.get(from);
    if (answer === undefined) this.#tell(from);
    else {
      this.#said.delete(from);
      this.#answer(from, answer);
    }
  }

  /** Gives an answer, where there is somebody to hear it; what needs none is told to the house as it stands. */
  #answer(address: string, answer: AdmissionAnswer): void {
    if (this.#said.get(address) === answer) return;
    this.#said.set(address, answer);
    const item = this.#roster.item(address);
    const lets = item?.subscription === 'from' || item?.subscription === 'both';
    const asks = this.#askers.has(address);
    if (answer === 'approve' && !asks) {
      if (lets) this.#tell(address);
      else if (this.#parts.offers.preApproval && item?.approved !== true)
        this.#parts.port.send(subscription(address, 'subscribed'));
      return;
    }
    const step = answer === 'approve' ? 'subscribed' : 'unsubscribed';
    this.#parts.port.send(subscription(address, step), (fate) => {
      if (fate === 'lost') return;
      this.#askers.delete(address);
      this.#tell(address);
      this.#parts.inlet.flush();
    });
  }

  /** How somebody stands on the roster now, for the house. */
  #tell(address: string): void {
    const { inlet, account, context } = this.#parts;
    const item = this.#roster.item(address);
    const nick = this.#askers.get(address);
    const party: InboundParty = { address, kind: 'stable', ...(nick !== undefined && { name: nick }) };
    inlet.push({
      type: 'contact',
      account,
      party,
      listed: item !== undefined,
      ...(item?.name !== undefined && { name: item.name }),
      groups: item?.groups ?? [],
      subscription: (item?.subscription ?? 'none') as Subscription,
      asks: this.#askers.has(address),
      awaited: item?.asked ?? false,
      at: new Date(context.clock.now()),
    });
  }
}

/** By address, as it stands on a roster. */
function answersOf(admissions: readonly Admission[]): Map<string, AdmissionAnswer> {
  return new Map(
    admissions.flatMap(({ address, answer }) =>
      addressOf(address) === bareOf(address) ? [[address, answer]] : [],
    ),
  );
}
