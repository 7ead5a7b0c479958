/*
 * A message centre for trials, with phones and a store of its own. It lives in this process and outlives every server
 * that it talks with. Its answers say ids in hexadecimal and its receipts in decimal with zeros in front; some receipts
 * come before the answer. What it hands over and is not told to be kept it hands over again, as real ones do.
 */
import { eventually } from '#peers';
import {
  buildReceiptText,
  esmClass,
  listenSmsc,
  npi,
  statuses,
  ton,
  type Bound,
  type PduInput,
  type Reply,
  type Request,
  type Smsc,
} from '#protocols/smpp';

/** A text that it has taken for a phone. */
export interface Submitted {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly fields: Omit<PduInput<'deliver_sm'>, 'command'>;
}

export interface CentreOptions {
  /** What a client must say. */
  readonly password: string;
  /** How long an answer to a submit takes. */
  readonly answerMs?: number;
}

export class MessageCentre implements AsyncDisposable {
  /** Every text that was taken, in order. */
  readonly submitted: Submitted[] = [];
  readonly #answerMs: number;
  #smsc: Smsc | undefined;
  /** What waits for a client, by who it is from: one at a time, so that their order holds. */
  readonly #lanes = new Map<string, Delivery[]>();
  #count = 0xa0_0000;
  #unanswered = 0;
  #closed = false;

  private constructor(answerMs: number) {
    this.#answerMs = answerMs;
  }

  static async start({ password, answerMs = 5 }: CentreOptions): Promise<MessageCentre> {
    const centre = new MessageCentre(answerMs);
    centre.#smsc = await listenSmsc({
      window: 1_000,
      incomingLimit: 1_000,
      onBind: (bind) => (bind.password === password ? {} : { status: statuses.ESME_RINVPASWD }),
      onRequest: (request) => centre.#take(request),
    });
    return centre;
  }

  get port(): number {
    return this.#smsc?.port ?? 0;
  }

  /** What no client has taken yet, texts and receipts. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.length, 0);
  }

  /** Submits that are taken and not answered. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** The number of the text that is submitted next, as a receipt says it. */
  get next(): string {
    return String(this.#count + 1).padStart(10, '0');
  }

  /** A phone sends a text of ASCII. */
  say(from: string, to: string, text: string): void {
    this.deliver(from, to, { shortMessage: Buffer.from(text) });
  }

  /** A phone sends one part of a text. */
  sayPart(
    from: string,
    to: string,
    part: { reference: number; of: number; number: number; text: string },
  ): void {
    const header = [5, 0, 3, part.reference, part.of, part.number];
    this.deliver(from, to, {
      esmClass: esmClass.udhi,
      shortMessage: Buffer.concat([Buffer.from(header), Buffer.from(part.text)]),
    });
  }

  /** A receipt is on its way: the text of this number has arrived. */
  receipt(from: string, to: string, number: string): void {
    const at = new Date();
    const text = buildReceiptText({ id: number, state: 'delivered', submitted: at, done: at });
    this.deliver(
      from,
      to,
      { esmClass: esmClass.deliveryReceipt, shortMessage: Buffer.from(text) },
      'receipts of ',
    );
  }

  /** Hands something over, behind all that is from the same. */
  deliver(from: string, to: string, fields: Delivery['fields'], kind = ''): void {
    const name = `${kind}${from}`;
    const lane = this.#lanes.get(name);
    const delivery = { from, to, fields };
    if (lane !== undefined) {
      lane.push(delivery);
      return;
    }
    const begun = [delivery];
    this.#lanes.set(name, begun);
    void this.#drain(name, begun);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#smsc?.close();
  }

  async #take(request: Request): Promise<Reply> {
    if (request.command !== 'submit_sm') return { status: statuses.ESME_RINVCMDID };
    const number = ++this.#count;
    const [from, to] = [written(request.source.addr), written(request.destination.addr)];
    this.submitted.push({ from, to, text: request.shortMessage.toString('latin1') });
    this.#unanswered++;
    const receipt = (): void => {
      this.receipt(to, from, String(number).padStart(10, '0'));
    };
    // Of some the receipt comes before the answer.
    const isEarly = number % 3 === 0;
    if (isEarly) receipt();
    await pause(this.#answerMs);
    this.#unanswered--;
    if (!isEarly) setTimeout(receipt, 1);
    return { messageId: number.toString(16).toUpperCase() };
  }

  async #drain(name: string, lane: Delivery[]): Promise<void> {
    for (let next = lane[0]; next !== undefined && !this.#closed; next = lane[0]) {
      const status = await this.#offer(next);
      if (status === statuses.ESME_ROK) lane.shift();
      else await pause(50);
    }
    this.#lanes.delete(name);
  }

  /** The answer of a client; none where there is none, or it went. */
  async #offer({ from, to, fields }: Delivery): Promise<number | undefined> {
    const [bound] = this.#receivers();
    if (bound === undefined) return undefined;
    try {
      const answer = await bound.session.request({
        command: 'deliver_sm',
        source: addressed(from),
        destination: addressed(to),
        ...fields,
      });
      return answer.status;
    } catch {
      return undefined;
    }
  }

  #receivers(): readonly Bound[] {
    return [...(this.#smsc?.bound ?? [])].filter(({ as, session }) => as !== 'transmitter' && session.isOpen);
  }

  /** Waits until somebody is bound. */
  async bound(): Promise<void> {
    await eventually('somebody is bound', () => this.#receivers().length > 0, 60_000);
  }
}

/** A number with its plus. */
function written(digits: string): string {
  return `+${digits}`;
}

function addressed(number: string) {
  return { ton: ton.international, npi: npi.isdn, addr: number.slice(1) };
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
