/*
 * The calls of one account: those that ring at it, of which it tells and never takes one, and those that it places between
 * two phones.
 */
import { createHash } from 'node:crypto';
import type { CallName, CallOrder, EndOutcome, InboundCall, InboundParty, PlaceOutcome } from '#connector';
import { Timers } from '#connector/session';
import { failure, type CallId, type CallState, type Failure, type Presence } from '#model';
import { parseCSeq, parseSeconds, tagOf, type Incoming, type SipRequest } from '#protocols/sip';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import { partyOf } from '../sip.addresses.js';
import { CallNotes, dialogFrom, inviteFrom, type LegNote, type PlacedNote } from './call-notes.js';
import { PlacedCall } from './placed-call.js';
import { cancelledAs } from './reasons.js';

/** More calls than this do not ring at one account at once; whoever calls then hears that it is busy. */
const mostRinging = 50;
/** More than this one account does not place at once. */
const mostPlaced = 10;
/** What a phone that is hung up is told of why, after a restart. */
const restarted = 'SIP;cause=487;text="Restarted"';

/** A call that rings here. */
interface Ringing {
  readonly incoming: Incoming;
  readonly call: { readonly remoteId: string };
  readonly party: InboundParty;
}

export class Calls implements Service {
  readonly methods = ['INVITE', 'BYE'];
  readonly #parts: Parts;
  readonly #notes: CallNotes;
  readonly #timers: Timers;
  readonly #ringing = new Map<string, Ringing>();
  readonly #placed = new Map<CallId, { readonly call: PlacedCall; readonly to: InboundParty }>();
  #presence: string;
  #online = false;
  #leaving = false;
  /** What an earlier session left behind is ended. */
  #isSettled = false;

  /** @param presence how our person is: callers hear it, where the settings say so. */
  constructor(parts: Parts, presence: string) {
    this.#parts = parts;
    this.#presence = presence;
    this.#notes = new CallNotes(parts);
    this.#timers = new Timers(parts.context.clock);
  }

  setPresence(presence: Presence): void {
    this.#presence = presence;
  }

  takes({ request }: Incoming): boolean {
    return tagOf(request.headers.get('to')) === undefined
      ? request.method === 'INVITE'
      : this.#legOf(request) !== undefined;
  }

  take(incoming: Incoming): void {
    const leg = this.#legOf(incoming.request);
    if (leg === undefined) this.#rung(incoming);
    else leg.take(incoming);
  }

  online(): void {
    this.#online = true;
    for (const { call } of this.#placed.values()) void call.online();
    if (this.#isSettled) return;
    this.#isSettled = true;
    void this.#settle();
  }

  offline(): void {
    this.#online = false;
  }

  /** Nothing rings on behind us: what rings here, or calls now, is told that nobody is there, and what we placed is hung up. */
  async leave(): Promise<void> {
    this.#leaving = true;
    for (const { call } of [...this.#ringing.values()]) this.#answer(call.remoteId, 480, 'missed');
    await Promise.all([...this.#placed.values()].map(({ call }) => call.end()));
  }

  place(order: CallOrder): PlaceOutcome {
    if (this.#placed.has(order.call)) return { outcome: 'placed' };
    const to = partyOf(`<sip:${order.to}>`);
    const why = !this.#online
      ? failure('network-unreachable', 'The account is not online.')
      : to === undefined
        ? failure('not-found', 'There is nobody of that address.')
        : this.#placed.size >= mostPlaced
          ? failure('rate-limited', `An account places at most ${String(mostPlaced)} calls at once.`)
          : undefined;
    if (why !== undefined || to === undefined)
      return { outcome: 'refused', failure: why ?? failure('internal') };
    const name: CallName = { placed: order.call };
    const call = new PlacedCall(this.#parts, order, {
      told: (told) => {
        this.#note(order.call);
        this.#notes.tell({ ...this.#event(name, to, 'out', told.state), ...told });
      },
      keep: () => {
        this.#note(order.call);
        return this.#notes.keep();
      },
      gone: () => {
        if (!this.#placed.delete(order.call)) return;
        this.#notes.placed(order.call, undefined);
        this.#notes.tell();
      },
    });
    this.#placed.set(order.call, { call, to });
    void call.begin();
    return { outcome: 'placed' };
  }

  end(name: CallName): EndOutcome {
    const ending = { outcome: 'ending' } as const;
    if ('placed' in name) {
      const placed = this.#placed.get(name.placed);
      if (placed === undefined) return unknown;
      void placed.call.end();
      return ending;
    }
    return this.#answer(name.remoteId, 603, 'declined') ? ending : unknown;
  }

  #legOf(request: SipRequest): ReturnType<PlacedCall['legOf']> {
    for (const { call } of this.#placed.values()) {
      const leg = call.legOf(request);
      if (leg !== undefined) return leg;
    }
    return undefined;
  }

  /** Somebody calls. */
  #rung(incoming: Incoming): void {
    const { headers } = incoming.request;
    const callId = headers.get('call-id') ?? '';
    const { line } = this.#parts;
    const party = line.authorOf(incoming);
    const remoteId = idOf(incoming.request);
    // Our own phones are called by us, and so are we who have none: another of them may answer. A server may call them in
    // its own name, and in ours.
    const placed = [...this.#placed.values()];
    const isOurs = ({ call }: { readonly call: PlacedCall }): boolean =>
      call.isOurs(callId) || party?.address === line.self || call.comesBackAs(callId);
    if (placed.some(isOurs)) incoming.respond(480);
    else if (party === undefined) incoming.respond(400, { reason: 'Unreadable From' });
    // The same call by another way (RFC 3261 §8.2.2.2).
    else if (this.#ringing.has(remoteId)) incoming.respond(482);
    else if (this.#ringing.size >= mostRinging) incoming.respond(486);
    else {
      const call = { remoteId };
      const refusal = this.#refusal();
      if (refusal === undefined) this.#ring({ incoming, call, party });
      else {
        const [status, state] = refusal;
        incoming.respond(status);
        this.#notes.tell(this.#event(call, party, 'in', state));
      }
    }
  }

  /** What callers hear in place of a ring. */
  #refusal(): readonly [status: number, state: CallState] | undefined {
    const { calls } = this.#parts.settings;
    if (this.#leaving) return [480, 'missed'];
    if (calls === 'ring') return undefined;
    if (calls === 'decline') return [603, 'declined'];
    if (this.#presence === 'busy') return [486, 'busy'];
    return this.#presence === 'offline' || this.#presence === 'extended-away' ? [480, 'missed'] : undefined;
  }

  #ring(ringing: Ringing): void {
    const { incoming, call, party } = ringing;
    const { line, timings } = this.#parts;
    this.#ringing.set(call.remoteId, ringing);
    incoming.cancelled = ({ headers }) => {
      this.#over(ringing, cancelledAs(headers));
    };
    const expires = parseSeconds(incoming.request.headers.get('expires'));
    const expiresMs = expires === undefined || expires === 0 ? Infinity : expires * 1_000;
    // An invitation that is not answered before it expires is given up (§13.3.1).
    const [ms, status] = expiresMs < timings.ringing ? [expiresMs, 487] : [timings.ringing, 480];
    this.#timers.set(call.remoteId, ms, () => {
      this.#answer(call.remoteId, status, 'missed');
    });
    incoming.respond(180, { headers: { contact: `<${line.contact(incoming.flow)}>` } });
    this.#notes.ringing(call.remoteId, { call, party });
    this.#notes.tell(this.#event(call, party, 'in', 'ringing'));
  }

  /** Ends what rings with a response; false where it does not ring. */
  #answer(remoteId: string, status: number, state: CallState): boolean {
    const ringing = this.#ringing.get(remoteId);
    if (ringing === undefined) return false;
    this.#over(ringing, state);
    ringing.incoming.respond(status);
    return true;
  }

  #over({ call, party }: Ringing, state: CallState): void {
    if (!this.#ringing.delete(call.remoteId)) return;
    this.#timers.cancel(call.remoteId);
    this.#notes.ringing(call.remoteId, undefined);
    this.#notes.tell(this.#event(call, party, 'in', state));
  }

  #note(id: CallId): void {
    const placed = this.#placed.get(id);
    if (placed !== undefined) this.#notes.placed(id, { ...placed.call.note, to: placed.to });
  }

  #event(call: CallName, party: InboundParty, direction: 'in' | 'out', state: CallState): InboundCall {
    const { account, context } = this.#parts;
    const at = new Date(context.clock.now());
    return {
      type: 'call',
      account,
      conversation: party.address,
      conversationKind: 'direct',
      call,
      direction,
      party,
      state,
      at,
    };
  }

  /** Ends what an earlier session left behind, and tells of it. */
  async #settle(): Promise<void> {
    const { placed, ringing } = await this.#notes.inherited;
    const away = failure('server-shutdown', 'Parley was not there when it ended.', 'give-up');
    for (const { call, party } of ringing) {
      this.#notes.tell({ ...this.#event(call, party, 'in', 'missed'), failure: away });
    }
    await Promise.all([...placed].map(([id, note]) => this.#bury(id, note, away)));
  }

  async #bury(id: CallId, { to, answered, legs }: PlacedNote, why: Failure): Promise<void> {
    const state = answered ? 'ended' : 'failed';
    this.#notes.tell({ ...this.#event({ placed: id }, to, 'out', state), failure: why });
    const ended = await Promise.all(legs.map((leg) => this.#giveUp(leg)));
    // What could not be said is said when there is a way again.
    if (ended.includes(false)) this.#isSettled = false;
    else {
      this.#notes.placed(id, undefined);
      this.#notes.tell();
    }
  }

  /** Takes back what an earlier session asked of a phone; false where there was no way. */
  async #giveUp({ invite, dialog }: LegNote): Promise<boolean> {
    const { line } = this.#parts;
    const headers = { reason: restarted };
    if (dialog !== undefined) {
      const known = dialogFrom(dialog);
      const answer = await line.ask(known.next('BYE', { headers }), { hop: known.hopUri });
      return answer.answer === 'response' || answer.left;
    }
    if (invite === undefined) return true;
    const answer = await line.cancel(inviteFrom(invite), headers);
    return answer.answer === 'response' || answer.left;
  }
}

const unknown: EndOutcome = {
  outcome: 'refused',
  failure: failure('not-found', 'There is no such call here.'),
};

/** One call, however often and by whatever ways its INVITE comes. */
function idOf({ headers }: SipRequest): string {
  const parts = [
    headers.get('call-id'),
    tagOf(headers.get('from')),
    parseCSeq(headers.get('cseq') ?? '')?.number,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
