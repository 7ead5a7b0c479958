import { callMayBecome, isOver, type CallState, type ErrorCode, type LegState } from '#model';
import type { LoopbackEvent, LoopbackParty } from '../loopback.frames.js';

/** What phones need of the network that they hang on. */
export interface Exchange {
  partyOf(name: string): LoopbackParty;
  nextId(): string;
  put(name: string, event: LoopbackEvent): void;
}

/** How somebody's phone is. */
export type PhoneState = 'idle' | 'calling' | 'ringing' | 'answered';

interface Call {
  readonly id: string;
  /** Whoever asked the network to connect two phones; undefined for a call from phone to phone. */
  readonly placedBy?: string;
  readonly caller: string;
  readonly callee: string;
  state: CallState;
  mine: LegState;
  theirs: LegState;
  /** What whoever is called was told last. */
  heard?: CallState;
}

/** The calls of the network. Everybody has one phone, and it rings whether a client of theirs is there or not. */
export class Phones {
  private readonly calls = new Map<string, Call>();
  /** The call that each phone is busy with. */
  private readonly busy = new Map<string, Call>();

  constructor(private readonly exchange: Exchange) {}

  stateOf(name: string): PhoneState {
    const call = this.busy.get(name);
    if (!call) return 'idle';
    if (call.state === 'answered') return 'answered';
    return (name === call.caller ? call.mine : call.theirs) === 'ringing' ? 'ringing' : 'calling';
  }

  /** Somebody lifts their phone and calls a name. */
  ring(caller: string, callee: string): void {
    const call: Call = {
      id: this.exchange.nextId(),
      caller,
      callee,
      state: 'calling',
      mine: 'answered',
      theirs: 'waiting',
    };
    this.calls.set(call.id, call);
    this.busy.set(caller, call);
    this.ringTheirs(call);
  }

  /** Connects two phones for somebody. An id that is known is not placed twice. Gives why it cannot be. */
  place(id: string, placedBy: string, caller: string, callee: string): ErrorCode | undefined {
    if (this.calls.has(id)) return undefined;
    if (this.busy.has(caller)) return 'resource-conflict';
    const call: Call = {
      id,
      placedBy,
      caller,
      callee,
      state: 'calling',
      mine: 'ringing',
      theirs: 'waiting',
    };
    this.calls.set(id, call);
    this.busy.set(caller, call);
    this.turn(call, 'ringing');
    return undefined;
  }

  /** Somebody answers what rings. */
  pickUp(name: string): void {
    const call = this.busy.get(name);
    if (call?.caller === name && call.mine === 'ringing') {
      call.mine = 'answered';
      this.ringTheirs(call);
    } else if (call?.callee === name && call.theirs === 'ringing') {
      call.theirs = 'answered';
      this.turn(call, 'answered');
    }
  }

  /** Somebody puts the phone down, or does not want what rings. */
  hangUp(name: string): void {
    const call = this.busy.get(name);
    if (!call) return;
    const leg = name === call.caller ? call.mine : call.theirs;
    this.turn(call, call.state !== 'answered' && leg === 'ringing' ? 'declined' : 'ended');
  }

  /** A client ends a call that it placed, or declines one that rings at its name. Gives why it cannot. */
  end(id: string, name: string): ErrorCode | undefined {
    const call = this.calls.get(id);
    if (!call || isOver(call.state)) return 'not-found';
    if (call.placedBy === name) this.turn(call, 'ended');
    else if (call.callee === name && call.theirs === 'ringing') this.turn(call, 'declined');
    else return 'not-found';
    return undefined;
  }

  private ringTheirs(call: Call): void {
    if (this.busy.has(call.callee)) {
      this.turn(call, 'busy');
      return;
    }
    this.busy.set(call.callee, call);
    call.theirs = 'ringing';
    this.turn(call, 'ringing');
  }

  private turn(call: Call, state: CallState): void {
    if (call.state !== state && !callMayBecome(call.state, state)) return;
    call.state = state;
    if (isOver(state)) {
      call.mine = 'ended';
      call.theirs = 'ended';
      for (const name of [call.caller, call.callee]) if (this.busy.get(name) === call) this.busy.delete(name);
    }
    const { id, placedBy, caller, callee, mine, theirs } = call;
    const told = { kind: 'call', call: id, at: Date.now() } as const;
    if (placedBy !== undefined) {
      const who = this.exchange.partyOf(callee);
      this.exchange.put(placedBy, { ...told, who, direction: 'out', state, placed: true, mine, theirs });
    }
    const heard = heardBy(call);
    if (heard === undefined || heard === call.heard) return;
    call.heard = heard;
    const who = this.exchange.partyOf(caller);
    this.exchange.put(callee, { ...told, who, direction: 'in', state: heard });
  }
}

/** What whoever is called is told, once it has rung: their phone may answer, never their client. */
function heardBy({ state, theirs, heard }: Call): CallState | undefined {
  if (heard === undefined) return theirs === 'ringing' ? 'ringing' : undefined;
  if (heard !== 'ringing') return undefined;
  if (state === 'answered') return 'answered-elsewhere';
  return state === 'ended' ? 'missed' : state;
}
