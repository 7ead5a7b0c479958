import type { AccountId, ConversationId, EnvelopeId, MessageId } from '#model';
import type { OutboundEnvelope } from '#connector';

/** An envelope that is due, in memory. */
export interface Ready {
  readonly envelope: OutboundEnvelope;
  readonly message: MessageId;
  readonly conversation: ConversationId;
  readonly laneOrder: bigint;
  /** The version of its message when it was read. */
  readonly seen: number;
  /** 0 people, 1 bulk. */
  readonly priority: number;
  /** Milliseconds since 1970; a moment before which it must not be tried again. */
  readonly notBefore: number;
  /** Whether what it carries must be read again before it leaves: it speaks of an earlier message. */
  readonly needsTarget: boolean;
  /** Milliseconds since 1970: when it was accepted, and judged. */
  readonly acceptedAt: number;
  /** Its person insists that it leaves as soon as it can. */
  readonly urgent: boolean;
}

interface Lane {
  queue: Ready[];
  readonly inFlight: Map<EnvelopeId, Ready>;
  /** Milliseconds since 1970: nothing leaves before. */
  heldUntil: number;
  /** The furthest lane order of which something has left. */
  left: bigint;
  /** Of those in flight, the ones that were told "retry after N": nothing of them has left. */
  readonly delayed: Map<EnvelopeId, Delayed>;
}

interface Delayed {
  readonly ready: Ready;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** What becomes of an envelope that was told "retry after N". */
export interface Verdict extends Delayed {
  /** A later one of its lane has left: then it cannot be delayed any more, only fail. */
  readonly overtaken: boolean;
}

/**
 * The lanes of one account: which envelope may leave next. Pure but for its own memory.
 *
 * One lane is one conversation, and order within it is law. Lanes take turns, people's before bulk. A lane that waits
 * ("retry after N", an unknown fate) holds back only itself.
 */
export class Lanes {
  private readonly lanes = new Map<ConversationId, Lane>();
  /** Lanes in the order of their turns. */
  private readonly turn = new Set<ConversationId>();
  private waitingCount = 0;
  private flying = 0;

  constructor(
    readonly account: AccountId,
    private readonly limits: { readonly perLane: number; readonly perLink: number },
  ) {}

  /** Envelopes in memory that have not left. */
  get waiting(): number {
    return this.waitingCount;
  }

  get inFlight(): number {
    return this.flying;
  }

  /** Ids in memory, waiting or in flight. */
  *ids(): Iterable<EnvelopeId> {
    for (const lane of this.lanes.values()) {
      for (const ready of lane.queue) yield ready.envelope.id;
      yield* lane.inFlight.keys();
    }
  }

  /** Lanes with so much waiting that loading more of them would crowd out the others. */
  *crowded(most: number): Iterable<ConversationId> {
    for (const [conversation, lane] of this.lanes) if (lane.queue.length >= most) yield conversation;
  }

  /** Takes in what has become due; order of arrival does not matter. */
  add(ready: Ready): void {
    const lane = this.laneOf(ready.conversation);
    let at = lane.queue.length;
    while (at > 0 && (lane.queue[at - 1] as Ready).laneOrder > ready.laneOrder) at--;
    lane.queue.splice(at, 0, ready);
    this.waitingCount++;
  }

  /** The envelopes that may leave now, at most `most`, already counted as in flight. */
  pick(most: number, now: number): Ready[] {
    const picked: Ready[] = [];
    for (const priority of [0, 1]) {
      // A full round in which nothing could leave ends the pass.
      let turns = this.turn.size;
      while (turns-- > 0 && picked.length < most && this.flying < this.limits.perLink) {
        const [conversation] = this.turn;
        if (conversation === undefined) break;
        this.turn.delete(conversation);
        this.turn.add(conversation);
        const lane = this.laneOf(conversation);
        if (lane.heldUntil <= now) lane.heldUntil = 0;
        const next = lane.queue[0];
        if (!next || next.priority !== priority || !this.mayLeave(lane, next, now)) continue;
        lane.queue.shift();
        lane.inFlight.set(next.envelope.id, next);
        this.waitingCount--;
        this.flying++;
        picked.push(next);
        turns = this.turn.size;
      }
    }
    return picked;
  }

  /** When something may leave that cannot now, by holds alone; undefined when no hold stands in the way. */
  nextRelease(now: number): number | undefined {
    let next: number | undefined;
    for (const lane of this.lanes.values()) {
      const head = lane.queue[0];
      if (!head) continue;
      const until = Math.max(lane.heldUntil, head.notBefore);
      if (until > now && (next === undefined || until < next)) next = until;
    }
    return next;
  }

  /** Something of it has left, or may have. */
  left(ready: Ready): void {
    const lane = this.laneOf(ready.conversation);
    if (ready.laneOrder > lane.left) lane.left = ready.laneOrder;
  }

  /** Its fate is known: the lane need not remember it. */
  settle(conversation: ConversationId, envelope: EnvelopeId): Ready | undefined {
    const lane = this.lanes.get(conversation);
    const ready = lane?.inFlight.get(envelope);
    if (!lane || !ready) return undefined;
    lane.inFlight.delete(envelope);
    lane.delayed.delete(envelope);
    this.flying--;
    this.forget(conversation, lane);
    return ready;
  }

  /**
   * "Retry after N": nothing of it has left, and its lane waits. What becomes of it is known when it is known of all that
   * was on its way behind it (`verdicts`): a link that drops answers so to all that is in flight, one after the other.
   */
  delay(ready: Ready, until: number): void {
    this.laneOf(ready.conversation).delayed.set(ready.envelope.id, { ready, until });
    this.hold(ready.conversation, until);
  }

  /** What has been decided of a lane's delayed envelopes, in their order; they are in flight no longer. */
  verdicts(conversation: ConversationId): Verdict[] {
    const lane = this.lanes.get(conversation);
    if (!lane || lane.delayed.size === 0) return [];
    let open = lane.left;
    for (const { envelope, laneOrder } of lane.inFlight.values())
      if (laneOrder > open && !lane.delayed.has(envelope.id)) open = laneOrder;
    const verdicts = [...lane.delayed.values()]
      .map((delayed) => ({ ...delayed, overtaken: lane.left > delayed.ready.laneOrder }))
      .filter(({ ready, overtaken }) => overtaken || ready.laneOrder >= open);
    for (const { ready } of verdicts) this.settle(conversation, ready.envelope.id);
    return verdicts.sort((one, other) => (one.ready.laneOrder < other.ready.laneOrder ? -1 : 1));
  }

  /** It was picked but has not left after all: it is next again. */
  putBack(ready: Ready): void {
    if (this.settle(ready.conversation, ready.envelope.id)) this.add(ready);
  }

  /** Keeps a lane back until a moment. */
  hold(conversation: ConversationId, until: number): void {
    const lane = this.laneOf(conversation);
    lane.heldUntil = Math.max(lane.heldUntil, until);
  }

  release(conversation: ConversationId): void {
    const lane = this.lanes.get(conversation);
    if (lane) lane.heldUntil = 0;
  }

  /** Forgets a waiting envelope (withdrawn, expired, or not ours any more). */
  drop(conversation: ConversationId, envelope: EnvelopeId): void {
    const lane = this.lanes.get(conversation);
    if (!lane) return;
    const before = lane.queue.length;
    lane.queue = lane.queue.filter((ready) => ready.envelope.id !== envelope);
    this.waitingCount -= before - lane.queue.length;
    this.settle(conversation, envelope);
    this.forget(conversation, lane);
  }

  private mayLeave(lane: Lane, next: Ready, now: number): boolean {
    if (lane.heldUntil > now || next.notBefore > now || lane.inFlight.size >= this.limits.perLane)
      return false;
    // What speaks of an earlier message waits until that one's fate, and with it its id on the network, is known.
    return !next.needsTarget || lane.inFlight.size === 0;
  }

  private laneOf(conversation: ConversationId): Lane {
    let lane = this.lanes.get(conversation);
    if (!lane) {
      lane = { queue: [], inFlight: new Map(), heldUntil: 0, left: 0n, delayed: new Map() };
      this.lanes.set(conversation, lane);
      this.turn.add(conversation);
    }
    return lane;
  }

  /** A lane with nothing in it and nothing to remember goes, so that memory follows what is alive. */
  private forget(conversation: ConversationId, lane: Lane): void {
    if (lane.queue.length > 0 || lane.inFlight.size > 0 || lane.heldUntil > 0) return;
    this.lanes.delete(conversation);
    this.turn.delete(conversation);
  }
}
