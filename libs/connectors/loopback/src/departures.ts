import type { InboundReceipt, RemoteId, SendOutcome, SentPart, SessionClock } from '#connector';
import { failure, unreachable, type AccountId, type Failure } from '#model';
import { senderIdOf } from './from-loopback.js';

/** What the network said of one part. */
export type PartAnswer =
  | { readonly said: 'accepted'; readonly remoteId: RemoteId }
  | { readonly said: 'later'; readonly ms: number; readonly failure: Failure }
  | { readonly said: 'refused'; readonly failure: Failure };

interface Departure {
  readonly account: AccountId;
  readonly wires: readonly string[];
  /** The conversation in which the wire ids are ids of messages; undefined where they are those of changes. */
  readonly sayingIn: string | undefined;
  readonly answers: Map<string, PartAnswer>;
  readonly due: number;
  /** Tells the sender; undefined once it has been told. */
  tell: ((outcome: SendOutcome) => void) | undefined;
}

/** Parts whose answer is still awaited after their sender was told `pending`; past it the oldest are let go. */
const mostRemembered = 4_096;

/**
 * What has left and is not answered yet. Every departure is told exactly once: by its answers, as `pending` when they
 * are late, as `unknown` when the link drops. What comes after that becomes a receipt.
 */
export class Departures {
  private readonly byWire = new Map<string, Departure>();
  private readonly untold = new Set<Departure>();
  private timer: (() => void) | undefined;

  constructor(
    private readonly clock: SessionClock,
    private readonly answerMs: number,
    /** Takes what is learnt of parts outside the answer to their send. */
    private readonly receipts: (receipts: readonly InboundReceipt[]) => void,
  ) {}

  get size(): number {
    return this.untold.size;
  }

  /** Notes that an envelope's parts are on the wire; an aborted signal tells at once what is known. */
  add(
    account: AccountId,
    wires: readonly string[],
    signal: AbortSignal,
    sayingIn?: string,
  ): Promise<SendOutcome> {
    return new Promise((resolve) => {
      const now = () => {
        this.pending(departure);
      };
      const departure: Departure = {
        account,
        wires,
        sayingIn,
        answers: new Map(),
        due: this.clock.monotonic() + this.answerMs,
        tell: (outcome) => {
          signal.removeEventListener('abort', now);
          resolve(outcome);
        },
      };
      signal.addEventListener('abort', now, { once: true });
      this.untold.add(departure);
      for (const wire of wires) this.byWire.set(wire, departure);
      this.forgetOldest();
      this.watch();
    });
  }

  /** Takes the answer to one part. */
  answer(wire: string, answer: PartAnswer): void {
    const departure = this.byWire.get(wire);
    if (!departure) return;
    this.byWire.delete(wire);
    departure.answers.set(wire, answer);
    if (!departure.tell) {
      this.receipts([this.receiptOf(departure, wire, answer)]);
      return;
    }
    if (departure.answers.size < departure.wires.length) return;
    const outcome = together(departure);
    if (outcome.outcome === 'pending') this.tellParts(departure);
    this.tell(departure, outcome);
  }

  /** The link is gone: whatever is unanswered may or may not have arrived. */
  drop(why: Failure): void {
    for (const departure of [...this.untold]) this.lose(departure, why);
    this.byWire.clear();
    this.timer?.();
    this.timer = undefined;
  }

  /** The same for one account that leaves the link. */
  dropAccount(account: AccountId, why: Failure): void {
    for (const departure of [...this.untold]) if (departure.account === account) this.lose(departure, why);
    for (const [wire, departure] of this.byWire) if (departure.account === account) this.byWire.delete(wire);
  }

  private lose(departure: Departure, why: Failure): void {
    this.tellParts(departure);
    this.tell(departure, { outcome: 'unknown', failure: why });
  }

  private pending(departure: Departure): void {
    if (!departure.tell) return;
    this.tellParts(departure);
    this.tell(departure, { outcome: 'pending', parts: departure.wires.length });
  }

  private tell(departure: Departure, outcome: SendOutcome): void {
    this.untold.delete(departure);
    departure.tell?.(outcome);
    departure.tell = undefined;
  }

  private tellParts(departure: Departure): void {
    const known = [...departure.answers].map(([wire, answer]) => this.receiptOf(departure, wire, answer));
    if (known.length > 0) this.receipts(known);
  }

  private receiptOf(departure: Departure, wireId: string, answer: PartAnswer): InboundReceipt {
    const { account } = departure;
    const base = { type: 'receipt', account, about: { wireId }, at: new Date(this.clock.now()) } as const;
    return answer.said === 'accepted'
      ? { ...base, state: 'sent', ...idsOf(departure, wireId, answer.remoteId) }
      : { ...base, state: 'failed', failure: answer.failure };
  }

  /** One timer for all: departures are in the order of their deadlines. */
  private watch(): void {
    if (this.timer) return;
    const [oldest] = this.untold;
    if (!oldest) return;
    this.timer = this.clock.after(Math.max(1, oldest.due - this.clock.monotonic()), () => {
      this.timer = undefined;
      const now = this.clock.monotonic();
      for (const departure of [...this.untold]) {
        if (departure.due > now) break;
        this.pending(departure);
      }
      this.watch();
    });
  }

  private forgetOldest(): void {
    if (this.byWire.size <= mostRemembered) return;
    for (const [wire, departure] of this.byWire) {
      if (this.byWire.size <= mostRemembered) return;
      if (!departure.tell) this.byWire.delete(wire);
    }
  }
}

/** What a part is known by: the network's id and, of a message, the one that we chose. */
function idsOf({ sayingIn }: Departure, wire: string, remoteId: RemoteId): SentPart {
  return { remoteId, ...(sayingIn !== undefined && { otherIds: [senderIdOf(sayingIn, wire)] }) };
}

/** What all parts' answers say of the envelope. Parts that fared differently are told one by one, as receipts. */
function together(departure: Departure): SendOutcome {
  const parts: SentPart[] = [];
  const failures: Failure[] = [];
  let ms = 0;
  let delayed = 0;
  for (const wire of departure.wires) {
    const answer = departure.answers.get(wire);
    switch (answer?.said) {
      case 'accepted':
        parts.push(idsOf(departure, wire, answer.remoteId));
        break;
      case 'later':
        delayed++;
        ms = Math.max(ms, answer.ms);
        failures.push(answer.failure);
        break;
      case 'refused':
        failures.push(answer.failure);
        break;
      case undefined:
        break;
      default:
        unreachable(answer);
    }
  }
  const why = failures[0] ?? failure('unknown');
  if (parts.length === departure.wires.length) return { outcome: 'sent', parts };
  if (delayed === departure.wires.length) return { outcome: 'later', retryAfterMs: ms, failure: why };
  if (parts.length === 0 && delayed === 0) return { outcome: 'refused', failure: why };
  return { outcome: 'pending', parts: departure.wires.length };
}
