/*
 * One phone of a call that we place: called, answered, spoken to, hung up. What it says of how it can be heard is passed on
 * and never read (RFC 3725 §3).
 */
import { Timers } from '#connector/session';
import { failure, type CallState, type Failure, type LegState } from '#model';
import {
  Dialog,
  dialogIdOf,
  followed,
  type Answer,
  type Answered,
  type Incoming,
  type InviteHandle,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '#protocols/sip';
import { answerFailure, responseFailure } from '../failures.js';
import { newRequest } from '../line.js';
import type { Parts } from '../parts.js';
import { inviteNote, type LegNote } from './call-notes.js';
import { refusedAs } from './reasons.js';
import { declined, headersOf, sessionOf, type Session } from './spoken.js';

/** What became of calling a phone. */
export type Called =
  | { readonly called: 'answered'; readonly session: Session | undefined }
  | { readonly called: 'refused'; readonly state: CallState; readonly failure: Failure };

export interface LegEvents {
  /** It stands otherwise. */
  changed(): void;
  /** What is to be kept of it; resolves when it is. */
  keep(): Promise<void>;
  /** They hung up. */
  hungUp(): void;
  /** They want to speak otherwise from now on. */
  offered(incoming: Incoming): void;
}

export interface CallOptions {
  /** How the other phone is to be heard; without it this one says first. */
  readonly offer?: Session;
  /** Milliseconds after which it is given up. */
  readonly ringMs: number;
}

/** What we take within a call; anything else is refused, so that phones do not try. */
const allowed = 'INVITE, ACK, CANCEL, BYE, OPTIONS';

export class Leg {
  readonly #parts: Parts;
  readonly #events: LegEvents;
  readonly #timers: Timers;
  #state: LegState = 'waiting';
  #sent: SipRequest | undefined;
  #handle: InviteHandle | undefined;
  /** The 2xx that waits for its ACK. */
  #unacknowledged: SipResponse | undefined;
  #dialog: Dialog | undefined;
  #calling: Promise<Called> | undefined;
  /** We want no more of it. */
  #givenUp = false;
  /** It has rung for as long as it may. */
  #isLate = false;
  /** What could not be said because there was no way. */
  #owes: 'bye' | 'cancel' | undefined;
  #hangingUp: Promise<void> | undefined;
  readonly callIds = new Set<string>();

  constructor(parts: Parts, events: LegEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#timers = new Timers(parts.context.clock);
  }

  get state(): LegState {
    return this.#state;
  }

  get note(): LegNote {
    if (this.#dialog !== undefined) return { dialog: this.#dialog.toJSON() };
    return this.#sent === undefined ? {} : { invite: inviteNote(this.#sent) };
  }

  /** Whether a message of theirs belongs to it. */
  isOf(message: SipMessage): boolean {
    return this.#dialog !== undefined && dialogIdOf(message, 'uas') === this.#dialog.id;
  }

  /** Calls it, until it answers or refuses, or is given up. Never rejects. */
  call(to: string, options: CallOptions): Promise<Called> {
    this.#calling = this.#call(to, options);
    return this.#calling;
  }

  /** Says that its answer has arrived; to one that has said first, what it is answered, or that nothing comes of it. */
  async acknowledge(answer?: Session): Promise<void> {
    const [response, dialog] = [this.#unacknowledged, this.#dialog];
    if (response === undefined || dialog === undefined) return;
    this.#unacknowledged = undefined;
    await this.#ack(this.#handle, response, dialog, answer ?? this.#declined(response));
  }

  /** Has it speak otherwise (RFC 3261 §14.1): what it says to that, or with which status it refuses. */
  async offer(session: Session): Promise<Session | number> {
    const dialog = this.#dialog;
    if (dialog === undefined || this.#state !== 'answered') return 481;
    const request = dialog.next('INVITE', { headers: headersOf(session), body: session.body });
    const handle = await this.#parts.line.invite(request, { contact: true, hop: dialog.hopUri });
    const answer = await handle?.answer;
    if (answer?.answer !== 'response') return 408;
    dialog.sent(answer.request);
    const { response } = answer;
    if (response.status >= 300) return response.status;
    dialog.refresh(response);
    await this.#ack(handle, response, dialog);
    return sessionOf(response) ?? 488;
  }

  /** Takes a request of theirs within the call. */
  take(incoming: Incoming): void {
    const { request } = incoming;
    const order = this.#dialog?.receives(request);
    if (order === 'out-of-order') {
      incoming.respond(500);
    } else if (request.method === 'INVITE') {
      if (this.#state === 'answered') this.#events.offered(incoming);
      else incoming.respond(491);
    } else {
      incoming.respond(200);
      if (this.#state === 'ended') return;
      this.#givenUp = true;
      // It may say its answer again and again until it is acknowledged, although it has hung up since.
      void this.acknowledge();
      this.#turn('ended');
      this.#events.hungUp();
    }
  }

  /** Gives it up or hangs up, whichever is due; resolves when nothing is left of it. Done twice, it is done once. */
  hangUp(why: string): Promise<void> {
    this.#hangingUp ??= this.#hangUp({ reason: why });
    return this.#hangingUp;
  }

  async #hangUp(headers: Readonly<Record<string, string>>): Promise<void> {
    const before = this.#state;
    this.#givenUp = true;
    this.#timers.clear();
    if (before === 'ended') return;
    if (before === 'answered') {
      this.#turn('ended');
      // It waits for our ACK, and hears BYE only after it (§15).
      await this.acknowledge();
      if (this.#dialog !== undefined) await this.#bye(this.#dialog, headers);
      return;
    }
    this.#handle?.cancel(headers);
    await this.#calling;
    this.#turn('ended');
  }

  /** There is a way again: what could not be said meanwhile is said. */
  async online(): Promise<void> {
    if (this.#owes === 'bye' && this.#dialog !== undefined) await this.#bye(this.#dialog, {});
    if (this.#owes === 'cancel' && this.#sent !== undefined) {
      const answer = await this.#parts.line.cancel(this.#sent);
      if (answer.answer === 'response' || answer.left) this.#owes = undefined;
    }
  }

  /** Whether nothing is left to be said. */
  get isDone(): boolean {
    return this.#state === 'ended' && this.#owes === undefined;
  }

  async #call(to: string, { offer, ringMs }: CallOptions): Promise<Called> {
    this.#turn('calling');
    const request = newRequest(this.#parts.line, 'INVITE', to, {
      headers: {
        allow: allowed,
        accept: 'application/sdp',
        // For whoever is left alone with a phone that rings (§13.2.1).
        expires: String(Math.ceil(ringMs / 1_000)),
        ...(offer && headersOf(offer)),
      },
      ...(offer && { body: offer.body }),
    });
    this.callIds.add(request.headers.get('call-id') ?? '');
    this.#timers.set('ring', ringMs, () => {
      this.#isLate = true;
      this.#handle?.cancel({ reason: 'SIP;cause=408;text="No answer"' });
    });
    // Calls may be forwarded: by the phone, or by its server (RFC 3261 §8.1.3.4).
    const answer = await followed(
      request,
      (one) => this.#invite(one),
      () => !this.#isLate && !this.#givenUp,
    );
    this.#timers.clear();
    if (answer === undefined) {
      return this.#refuse('failed', failure('network-unreachable', 'There is no way to that phone now.'));
    }
    if (answer.answer === 'response' && answer.response.status < 300) {
      return await this.#answered(answer);
    }
    // It rings on, as far as we know.
    if (answer.answer === 'none' && answer.why === 'broken' && answer.left) this.#owes = 'cancel';
    if (this.#isLate) return this.#refuse('failed', failure('timeout', 'Nobody answered.', 'give-up'));
    if (answer.answer === 'none') return this.#refuse('failed', answerFailure(answer));
    const { response } = answer;
    return this.#refuse(refusedAs(response), responseFailure(response));
  }

  /** One INVITE, and what comes of it; undefined where there is no way. */
  async #invite(request: SipRequest): Promise<Answer | undefined> {
    const handle = await this.#parts.line.invite(request, {
      contact: true,
      before: (sent) => {
        this.#sent = sent;
        return this.#events.keep();
      },
      provisional: (response) => {
        if (response.status === 180 || response.status === 183) this.#turn('ringing');
      },
      late: (response) => {
        void this.#letGo(response);
      },
    });
    this.#handle = handle;
    if (this.#isLate || this.#givenUp) handle?.cancel();
    return await handle?.answer;
  }

  async #answered({ request, response }: Answered): Promise<Called> {
    const dialog = Dialog.fromUac(request, response);
    if (dialog === undefined) {
      this.#handle?.ack(response);
      return this.#refuse(
        'failed',
        failure('protocol-violation', 'That phone does not say where it is.', 'give-up'),
      );
    }
    this.#dialog = dialog;
    this.#unacknowledged = response;
    if (this.#isLate || this.#givenUp) {
      // It was picked up in the moment in which it was given up.
      await this.acknowledge();
      this.#turn('ended');
      await this.#bye(dialog, {});
      return {
        called: 'refused',
        state: 'failed',
        failure: failure('timeout', 'Nobody answered in time.', 'give-up'),
      };
    }
    this.#turn('answered');
    return { called: 'answered', session: sessionOf(response) };
  }

  #refuse(state: CallState, why: Failure): Called {
    this.#turn('ended');
    return { called: 'refused', state, failure: why };
  }

  async #ack(
    handle: InviteHandle | undefined,
    response: SipResponse,
    dialog: Dialog,
    session?: Session,
  ): Promise<void> {
    const over = await this.#parts.line.flowTo(dialog.hopUri);
    handle?.ack(response, {
      ...(session && { headers: headersOf(session), body: session.body }),
      ...(over && { over }),
    });
  }

  /** Whoever has offered is answered, although it is hung up at once (§13.2.2.4); undefined where we have offered. */
  #declined(response: SipResponse): Session | undefined {
    return this.#sent?.body.length === 0 ? declined(sessionOf(response)) : undefined;
  }

  /** Another phone behind the same address has answered as well: it is hung up (§13.2.2.4). */
  async #letGo(response: SipResponse): Promise<void> {
    const dialog = this.#sent && Dialog.fromUac(this.#sent, response);
    if (dialog === undefined) {
      this.#handle?.ack(response);
      return;
    }
    await this.#ack(this.#handle, response, dialog, this.#declined(response));
    await this.#parts.line.ask(dialog.next('BYE'), { hop: dialog.hopUri });
  }

  async #bye(dialog: Dialog, headers: Readonly<Record<string, string>>): Promise<void> {
    const answer = await this.#parts.line.ask(dialog.next('BYE', { headers }), { hop: dialog.hopUri });
    this.#owes = answer.answer === 'none' && !answer.left ? 'bye' : undefined;
  }

  #turn(state: LegState): void {
    if (this.#state === state || this.#state === 'ended') return;
    if (state === 'ringing' && this.#state === 'answered') return;
    this.#state = state;
    this.#events.changed();
  }
}
