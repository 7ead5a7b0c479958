/*
 * Somebody's phone on a SIP server, without Parley: it registers, says and hears texts, tells what was delivered and that
 * somebody types, shows presence and watches it, and rings.
 */
import { SipPhoneCall, type PhoneState } from './sip-phone-call.js';
import {
  addressOf,
  fieldOf,
  freshWord,
  PhoneWire,
  tagOf,
  type PhoneMessage,
  type PhoneUser,
} from './sip-phone-wire.js';

export interface SipPhoneOptions extends PhoneUser {
  readonly port: number;
  /** What types of body it takes; everything that is written here unless said. */
  readonly takes?: readonly string[];
}

/** A text that came, with what came around it. */
interface PhoneText {
  readonly from: string;
  readonly text: string;
  /** The media type in which it came. */
  readonly type: string;
  readonly callId: string;
}

/** A text that is to be said until somebody takes it. */
interface Letter {
  readonly to: string;
  readonly message: () => Promise<PhoneMessage | undefined>;
}

const everything = ['text/plain', 'message/cpim', 'application/im-iscomposing+xml', 'message/imdn+xml'];
/** Answers after which the same is said again: not now, not there, or nobody answered. */
const again = /^SIP\/2\.0 (?:404|408|480|500|503|504) /;

export class SipPhone implements AsyncDisposable {
  readonly address: string;
  /** Texts that came, in order. */
  readonly heard: PhoneText[] = [];
  /** What others said became of what we said: message id and disposition. */
  readonly told: { readonly id: string; readonly status: string }[] = [];
  /** Whether it tells that texts were delivered, where it is asked to (RFC 5438). */
  tellsDelivery = false;
  readonly #options: SipPhoneOptions;
  readonly #takes: ReadonlySet<string>;
  readonly #typing = new Map<string, boolean>();
  readonly #watched = new Map<string, { pidf: string; state: string }>();
  readonly #letters = new Set<Letter>();
  readonly #call: SipPhoneCall;
  #wire!: PhoneWire;
  #etag = '';
  #number = 0;

  private constructor(options: SipPhoneOptions) {
    this.#options = options;
    this.#takes = new Set(options.takes ?? everything);
    this.address = `${options.user}@${options.domain}`;
    this.#call = new SipPhoneCall(this.address, () => this.#wire);
  }

  /** A phone that is registered. */
  static async open(options: SipPhoneOptions): Promise<SipPhone> {
    const phone = new SipPhone(options);
    phone.#wire = await PhoneWire.open(options.port, options, (request) => {
      phone.#take(request);
    });
    const answer = await phone.#register(600);
    if (answer?.start.startsWith('SIP/2.0 200 ') !== true)
      throw new Error(`${phone.address} is not registered: ${answer?.start ?? 'no answer'}`);
    return phone;
  }

  /** Says a text; until somebody takes it, it is said again. Resolves when somebody has, or the phone is gone. */
  async say(to: string, text: string): Promise<void> {
    // The same identifiers each time: whoever has it knows it again (RFC 3428 §8).
    const message = this.#message(to, 'text/plain;charset=UTF-8', text);
    const letter: Letter = { to, message };
    this.#letters.add(letter);
    await this.#deliver(letter);
  }

  /** How many texts to an address nobody has taken yet. */
  waiting(to: string): number {
    return [...this.#letters].filter((letter) => letter.to === to).length;
  }

  /** Says that we write, or no more (RFC 3994). */
  type(to: string, active: boolean): void {
    const body =
      `<?xml version="1.0" encoding="UTF-8"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">` +
      `<state>${active ? 'active' : 'idle'}</state></isComposing>`;
    void this.#message(to, 'application/im-iscomposing+xml', body)();
  }

  seesTyping(address: string): boolean {
    return this.#typing.get(address) === true;
  }

  /** Shows a presence to whoever may see it: the basic status, and an activity of RPID. */
  async show(basic: 'open' | 'closed', activity?: string): Promise<void> {
    const person =
      activity === undefined
        ? ''
        : `<dm:person id="p"><rpid:activities><rpid:${activity}/></rpid:activities></dm:person>`;
    const body =
      '<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" ' +
      'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" ' +
      `entity="sip:${this.address}"><tuple id="t"><status><basic>${basic}</basic></status></tuple>${person}</presence>`;
    const answer = await this.#wire.ask({
      method: 'PUBLISH',
      uri: `sip:${this.address}`,
      fields: [
        ...this.#names('PUBLISH', this.address, freshWord()),
        ['event', 'presence'],
        ['expires', '600'],
        ...(this.#etag === '' ? [] : [['sip-if-match', this.#etag] as const]),
        ['content-type', 'application/pidf+xml'],
      ],
      body,
    });
    if (answer?.start.startsWith('SIP/2.0 200 ') !== true)
      throw new Error(`presence was not published: ${answer?.start ?? 'no answer'}`);
    this.#etag = fieldOf(answer, 'sip-etag');
  }

  /** Watches somebody's presence from now on. */
  async watch(address: string): Promise<void> {
    if (this.#watched.has(address)) return;
    this.#watched.set(address, { pidf: '', state: '' });
    await this.#wire.ask({
      method: 'SUBSCRIBE',
      uri: `sip:${address}`,
      fields: [
        ...this.#names('SUBSCRIBE', address, freshWord()),
        ['contact', this.#wire.contact],
        ['event', 'presence'],
        ['accept', 'application/pidf+xml'],
        ['expires', '600'],
      ],
    });
  }

  /** What was last told of somebody who is watched: a document (RFC 3863), empty where none came, and how the watch stands. */
  sees(address: string): { readonly pidf: string; readonly state: string } {
    return this.#watched.get(address) ?? { pidf: '', state: '' };
  }

  ring(address: string): void {
    this.#call.ring(address);
  }

  pickUp(): void {
    this.#call.pickUp();
  }

  hangUp(): void {
    this.#call.hangUp();
  }

  get phone(): PhoneState {
    return this.#call.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#letters.clear();
    if (!this.#wire.isClosed) {
      const farewell = this.#register(0);
      await Promise.race([farewell, new Promise((late) => setTimeout(late, 500).unref())]);
    }
    this.#wire.close();
  }

  #register(expires: number): Promise<PhoneMessage | undefined> {
    return this.#wire.ask({
      method: 'REGISTER',
      uri: `sip:${this.#options.domain}`,
      fields: [
        ...this.#names('REGISTER', this.address, freshWord()),
        ['contact', this.#wire.contact],
        ['expires', String(expires)],
      ],
    });
  }

  #names(method: string, to: string, callId: string): (readonly [string, string])[] {
    return [
      ['from', `<sip:${this.address}>;tag=${freshWord()}`],
      ['to', `<sip:${to}>`],
      ['call-id', callId],
      // Two apart: a challenge takes the next.
      ['cseq', `${String((this.#number += 2))} ${method}`],
    ];
  }

  #message(to: string, type: string, body: string): () => Promise<PhoneMessage | undefined> {
    const fields = [...this.#names('MESSAGE', to, freshWord()), ['content-type', type] as const];
    return () => this.#wire.ask({ method: 'MESSAGE', uri: `sip:${to}`, fields, body });
  }

  async #deliver(letter: Letter): Promise<void> {
    while (this.#letters.has(letter) && !this.#wire.isClosed) {
      const answer = await letter.message();
      if (answer !== undefined && !again.test(answer.start)) break;
      await new Promise((soon) => setTimeout(soon, 200));
    }
    this.#letters.delete(letter);
  }

  #take(request: PhoneMessage): void {
    const method = request.start.split(' ', 1)[0] ?? '';
    if (method === 'MESSAGE') this.#hear(request);
    else if (method === 'NOTIFY') this.#notice(request);
    else if (method === 'OPTIONS') this.#wire.answer(request, '200 OK');
    else if (!this.#call.take(method, request)) this.#wire.answer(request, '501 Not Implemented');
  }

  #hear(request: PhoneMessage): void {
    const type = typeOf(fieldOf(request, 'content-type'));
    if (!this.#takes.has(type)) {
      this.#wire.answer(request, '415 Unsupported Media Type', {
        fields: [['accept', [...this.#takes].join(', ')]],
      });
      return;
    }
    this.#wire.answer(request, '200 OK');
    const from = addressOf(fieldOf(request, 'from'));
    const letter = type === 'message/cpim' ? opened(request.body) : { type, fields: '', body: request.body };
    const text = letter.body.toString();
    if (letter.type === 'application/im-iscomposing+xml') {
      this.#typing.set(from, /<(?:\w+:)?state>\s*active/.test(text));
    } else if (letter.type === 'message/imdn+xml') {
      const id = /<(?:\w+:)?message-id>([^<]*)</.exec(text)?.[1] ?? '';
      const status = /<(?:\w+:)?status>\s*<(?:\w+:)?([a-z-]+)/.exec(text)?.[1] ?? '';
      this.told.push({ id, status });
    } else {
      this.#typing.set(from, false);
      this.heard.push({ from, text, type, callId: fieldOf(request, 'call-id') });
      if (this.tellsDelivery) this.#tellDelivery(from, letter.fields);
    }
  }

  #tellDelivery(to: string, fields: string): void {
    const id = /^imdn\.Message-ID:\s*(\S+)/im.exec(fields)?.[1];
    if (id === undefined || !/^imdn\.Disposition-Notification:.*positive-delivery/im.test(fields)) return;
    const at = new Date().toISOString();
    const report =
      '<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn">' +
      `<message-id>${id}</message-id><datetime>${at}</datetime>` +
      '<delivery-notification><status><delivered/></status></delivery-notification></imdn>';
    const head =
      `From: <sip:${this.address}>\r\nTo: <sip:${to}>\r\nDateTime: ${at}\r\n` +
      `NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: ${freshWord()}\r\n\r\n` +
      'Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n';
    void this.#message(to, 'message/cpim', head + report)();
  }

  #notice(request: PhoneMessage): void {
    this.#wire.answer(request, '200 OK');
    const seen = this.#watched.get(addressOf(fieldOf(request, 'from')));
    if (seen === undefined || tagOf(fieldOf(request, 'to')) === undefined) return;
    seen.state = fieldOf(request, 'subscription-state').split(';', 1)[0]?.trim() ?? '';
    if (request.body.length > 0) seen.pidf = request.body.toString();
  }
}

function typeOf(value: string): string {
  return (value.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** What a CPIM message holds (RFC 3862): its outer fields, the type of what is inside, and that. */
function opened(body: Buffer): { readonly type: string; readonly fields: string; readonly body: Buffer } {
  const first = body.indexOf('\r\n\r\n');
  const second = body.indexOf('\r\n\r\n', first + 4);
  const [fields, inner] = [body.subarray(0, first).toString(), body.subarray(first + 4, second).toString()];
  const type = typeOf(/^Content-Type:\s*(.*)$/im.exec(inner)?.[1] ?? 'text/plain');
  return { type, fields, body: body.subarray(second + 4) };
}
