/* What waits to be delivered to whoever is bound: kept until it is taken, in its order, and tried again. */
import { statuses, type Bound, type PduInput } from '#protocols/smpp';

export interface Delivery {
  readonly pdu: PduInput<'deliver_sm'>;
  /** Only who has bound under this name gets it; undefined: anybody. */
  readonly systemId: string | undefined;
  readonly isReceipt: boolean;
  /** What each try was answered with; undefined where no answer came. */
  readonly answers: (number | undefined)[];
}

/** What nobody should be sent again. */
const lasting: ReadonlySet<number> = new Set([statuses.ESME_RX_P_APPN, statuses.ESME_RX_R_APPN]);

export class Outbox {
  /** All that was ever to be delivered, in its order. */
  readonly all: Delivery[] = [];
  readonly #bound: () => Iterable<Bound>;
  readonly #retryMs: number;
  readonly #waiting = new Set<Delivery>();
  readonly #underWay = new Set<Delivery>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #turn = 0;
  holdsReceipts = false;

  constructor(bound: () => Iterable<Bound>, retryMs: number) {
    this.#bound = bound;
    this.#retryMs = retryMs;
  }

  /** Deliveries that nobody has taken. */
  get waiting(): number {
    return this.#waiting.size;
  }

  put(pdu: PduInput<'deliver_sm'>, systemId: string | undefined, isReceipt: boolean): Promise<void> {
    const delivery: Delivery = { pdu, systemId, isReceipt, answers: [] };
    this.all.push(delivery);
    this.#waiting.add(delivery);
    return this.#try(delivery);
  }

  /** Tries all that waits: somebody has bound, or something has changed. */
  pump(): void {
    for (const delivery of this.#waiting) void this.#try(delivery);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  async #try(delivery: Delivery): Promise<void> {
    if (this.#underWay.has(delivery) || !this.#waiting.has(delivery)) return;
    if (delivery.isReceipt && this.holdsReceipts) return;
    const receivers = [...this.#bound()].filter(
      ({ as, session, bind }) =>
        as !== 'transmitter' &&
        session.isOpen &&
        (delivery.systemId === undefined || delivery.systemId === bind.systemId),
    );
    const to = receivers[this.#turn++ % Math.max(1, receivers.length)];
    if (to === undefined) return;
    this.#underWay.add(delivery);
    const status = await to.session.request(delivery.pdu).then(
      (answer) => answer.status,
      () => undefined,
    );
    this.#underWay.delete(delivery);
    delivery.answers.push(status);
    if (status === statuses.ESME_ROK || (status !== undefined && lasting.has(status))) {
      this.#waiting.delete(delivery);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#try(delivery);
    }, this.#retryMs).unref();
    this.#timers.add(timer);
  }
}
