/* The sandbox as a test or a demo holds it: a message centre to bind to, phones, and everything that can be done to them. */
import { listenSmsc, type Bound, type PduInput, type Smsc } from '#protocols/smpp';
import { until } from '../until.js';
import { Centre, type Submission } from './centre.js';
import { alicesPhone, bobsPhone, type SandboxSmsOptions, type SmsMischief } from './options.js';
import type { Delivery } from './outbox.js';
import { SandboxPhone } from './phone.js';

/** Starts a message centre on loopback. It lives in this process until it is disposed of. */
export async function startSandboxSms(options: SandboxSmsOptions = {}): Promise<SandboxSms> {
  const sandbox = new SandboxSms(options);
  await sandbox.start();
  return sandbox;
}

export class SandboxSms implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #options: SandboxSmsOptions;
  readonly #centre: Centre;
  #smsc: Smsc | undefined;
  #port: number;

  constructor(options: SandboxSmsOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    const cut = (): void => {
      this.cut();
    };
    this.#centre = new Centre(options, () => this.bound, cut);
    for (const number of options.phones ?? [alicesPhone, bobsPhone]) this.phone(number);
  }

  get port(): number {
    return this.#port;
  }

  // ---- who is there, and what they said ----

  /** The phone of a number; it is switched on if there was none. */
  phone(number: string): SandboxPhone {
    const known = this.#centre.phones.get(number);
    if (known !== undefined) return known;
    const phone = new SandboxPhone(number, (pieces, to) => {
      this.#centre.carry(number, to, pieces);
    });
    this.#centre.phones.set(number, phone);
    return phone;
  }

  /** All that was submitted since the start, one by one, the refused ones too. */
  get submissions(): readonly Submission[] {
    return this.#centre.submissions;
  }

  /** All that was to be delivered to whoever is bound, with what each try was answered. */
  get deliveries(): readonly Delivery[] {
    return this.#centre.outbox.all;
  }

  /** Deliveries that nobody has taken yet. */
  get undelivered(): number {
    return this.#centre.outbox.waiting;
  }

  /** Who is bound. */
  get bound(): readonly Bound[] {
    return [...(this.#smsc?.bound ?? [])];
  }

  /** Binds that were asked for since the start, the refused ones too. */
  get binds(): number {
    return this.#centre.binds;
  }

  /** Waits until so many are bound. */
  async untilBound(count = 1, deadlineMs?: number): Promise<readonly Bound[]> {
    const look = (): readonly Bound[] | undefined => (this.bound.length >= count ? this.bound : undefined);
    return until(`${String(count)} bound`, look, deadlineMs);
  }

  /** Waits until all that was to be delivered is taken. */
  async untilDelivered(deadlineMs?: number): Promise<void> {
    await until('all is delivered', () => (this.undelivered === 0 ? true : undefined), deadlineMs);
  }

  // ---- faults ----

  /** What the centre does wrong from now on; nothing, unless said. */
  misbehave(mischief: SmsMischief): void {
    this.#centre.mischief = mischief;
  }

  /** Cuts all links, with a reset. */
  cut(): void {
    for (const { socket, session } of this.bound) {
      if ('encrypted' in socket) session.close();
      else socket.resetAndDestroy();
    }
  }

  /** Takes nothing from anybody any more, and says nothing: links stand and are dead. */
  deafen(): void {
    for (const { session } of this.bound) session.pause();
  }

  /** Ends all binds in order; those that are deaf never hear of it. */
  unbind(): void {
    for (const { session } of this.bound) void session.unbind();
  }

  /** Writes these octets to all who are bound, whatever they are. */
  babble(octets: Buffer): void {
    for (const { socket } of this.bound) socket.write(octets);
  }

  /** Delivers a PDU as it is. */
  deliver(pdu: Omit<PduInput<'deliver_sm'>, 'command'>): void {
    void this.#centre.outbox.put({ ...pdu, command: 'deliver_sm' }, undefined, false);
  }

  /** Ends everything: the port refuses, all links are cut. Phones, and what waits for delivery, stay. */
  async stop(): Promise<void> {
    this.#centre.outbox.stop();
    const smsc = this.#smsc;
    this.#smsc = undefined;
    await smsc?.close();
  }

  /** Comes up again on the same port. */
  async start(): Promise<void> {
    const { tls } = this.#options;
    this.#smsc = await listenSmsc({
      port: this.#port,
      ...(tls !== undefined && { tls: { cert: tls.certificate, key: tls.key } }),
      incomingLimit: 1_000,
      onBind: (bind) => this.#centre.admit(bind),
      onBound: () => {
        this.#centre.outbox.pump();
      },
      onRequest: (request, from) => this.#centre.serve(request, from),
    });
    this.#port = this.#smsc.port;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
