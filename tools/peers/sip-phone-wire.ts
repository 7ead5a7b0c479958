/*
 * SIP over one TCP connection, as little of it as a phone of tests needs: written without our own library, so that what a
 * phone hears does not come from the code under test.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { PhoneReader, type PhoneMessage } from './sip-phone-reader.js';

export type { PhoneMessage };

/** A request to be sent; the wire adds Via, Max-Forwards and Content-Length. */
export interface PhoneRequest {
  readonly method: string;
  readonly uri: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

export interface PhoneUser {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

/** The first value of a field, empty where there is none. */
export function fieldOf({ fields }: PhoneMessage, name: string): string {
  return fields.find(([one]) => one === name)?.[1] ?? '';
}

export function fieldsOf({ fields }: PhoneMessage, name: string): readonly string[] {
  return fields.filter(([one]) => one === name).map(([, value]) => value);
}

/** `alice@example.org` of `"Alice" <sip:alice@example.org;transport=tcp>;tag=1`. */
export function addressOf(value: string): string {
  return /sips?:([^;>\s]+)/.exec(value)?.[1] ?? '';
}

export function tagOf(value: string): string | undefined {
  return /;tag=([^;>\s]+)/.exec(value)?.[1];
}

export function freshWord(): string {
  return randomBytes(8).toString('hex');
}

export class PhoneWire {
  readonly #socket: Socket;
  readonly #who: PhoneUser;
  readonly #take: (request: PhoneMessage) => void;
  readonly #waiting = new Map<string, (response: PhoneMessage | undefined) => void>();
  readonly #reader = new PhoneReader();
  isClosed = false;

  private constructor(socket: Socket, who: PhoneUser, take: (request: PhoneMessage) => void) {
    this.#socket = socket;
    this.#who = who;
    this.#take = take;
    socket
      .setNoDelay(true)
      .on('data', (chunk) => {
        for (const message of this.#reader.push(chunk)) this.#dispatch(message);
      })
      .on('error', () => undefined)
      .on('close', () => {
        this.isClosed = true;
        for (const settle of this.#waiting.values()) settle(undefined);
        this.#waiting.clear();
      });
  }

  /** @param take is given every request that comes, in order. */
  static async open(port: number, who: PhoneUser, take: (request: PhoneMessage) => void): Promise<PhoneWire> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((ready, fail) => socket.once('connect', ready).once('error', fail));
    return new PhoneWire(socket, who, take);
  }

  /** Our side of the connection, as Contact says it. */
  get contact(): string {
    const { localAddress = '127.0.0.1', localPort = 0 } = this.#socket;
    return `<sip:${this.#who.user}@${localAddress}:${String(localPort)};transport=tcp>`;
  }

  /**
   * Sends a request and gives its final response, undefined where the connection ended before. A challenge is answered once.
   * @param sent is told what leaves, as often as it does; what cancels it bears the same branch.
   */
  async ask(
    request: PhoneRequest,
    sent: (request: PhoneRequest, branch: string) => void = () => undefined,
  ): Promise<PhoneMessage | undefined> {
    const response = await this.#exchange(request, sent);
    const challenge =
      response && (fieldOf(response, 'www-authenticate') || fieldOf(response, 'proxy-authenticate'));
    if (response === undefined || !challenge || !/^SIP\/2\.0 40[17] /.test(response.start)) return response;
    const field = response.start.includes(' 401 ') ? 'authorization' : 'proxy-authorization';
    const proof = digest(challenge, request, this.#who);
    const fields = request.fields.map(([name, value]): readonly [string, string] => {
      const [, number] = name === 'cseq' ? (/^(\d+)/.exec(value) ?? []) : [];
      return number === undefined ? [name, value] : [name, `${String(Number(number) + 1)} ${request.method}`];
    });
    return this.#exchange({ ...request, fields: [...fields, [field, proof]] }, sent);
  }

  /** Sends a request and waits for nothing: ACK, CANCEL. Gives its branch. */
  tell(request: PhoneRequest, branch = `z9hG4bK${freshWord()}`): string {
    const { localPort = 0 } = this.#socket;
    const via = `SIP/2.0/TCP 127.0.0.1:${String(localPort)};branch=${branch};rport`;
    this.#write(
      `${request.method} ${request.uri} SIP/2.0`,
      [['via', via], ['max-forwards', '70'], ...request.fields],
      request.body,
    );
    return branch;
  }

  /** Answers a request; a tag is added to To where it has none. */
  answer(
    request: PhoneMessage,
    status: string,
    more: { readonly fields?: PhoneRequest['fields']; readonly body?: string; readonly tag?: string } = {},
  ): void {
    const copied = ['via', 'from', 'to', 'call-id', 'cseq', 'record-route'].flatMap((name) =>
      fieldsOf(request, name).map((value): readonly [string, string] =>
        name === 'to' && tagOf(value) === undefined
          ? [name, `${value};tag=${more.tag ?? freshWord()}`]
          : [name, value],
      ),
    );
    this.#write(`SIP/2.0 ${status}`, [...copied, ...(more.fields ?? [])], more.body);
  }

  close(): void {
    this.#socket.destroy();
  }

  #exchange(
    request: PhoneRequest,
    sent: (request: PhoneRequest, branch: string) => void,
  ): Promise<PhoneMessage | undefined> {
    if (this.isClosed) return Promise.resolve(undefined);
    const branch = this.tell(request);
    sent(request, branch);
    const key = `${branch} ${request.method}`;
    return new Promise((settle) => {
      this.#waiting.set(key, (response) => {
        if (response?.start.startsWith('SIP/2.0 1') === true) return;
        this.#waiting.delete(key);
        // RFC 3261 §17.1.1.3.
        if (request.method === 'INVITE' && response?.start.startsWith('SIP/2.0 2') === false)
          this.tell(partOf(request, 'ACK', fieldOf(response, 'to')), branch);
        settle(response);
      });
    });
  }

  #write(start: string, fields: PhoneRequest['fields'], body = ''): void {
    if (this.isClosed) return;
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.#socket.write(
      `${start}\r\n${lines}content-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    );
  }

  #dispatch(message: PhoneMessage): void {
    if (!message.start.startsWith('SIP/2.0 ')) {
      this.#take(message);
      return;
    }
    const branch = /;branch=([^;,\s]+)/.exec(fieldOf(message, 'via'))?.[1] ?? '';
    const method = fieldOf(message, 'cseq').split(/\s+/)[1] ?? '';
    this.#waiting.get(`${branch} ${method}`)?.(message);
  }
}

/** What belongs to a request and goes where it went, with its branch: its CANCEL, or the ACK of its failure. */
export function partOf(request: PhoneRequest, method: 'ACK' | 'CANCEL', to?: string): PhoneRequest {
  const kept = request.fields.flatMap(([name, value]): PhoneRequest['fields'] => {
    if (name === 'cseq') return [[name, value.replace(/\S+$/, method)]];
    if (name === 'to') return [[name, to ?? value]];
    return ['from', 'call-id', 'route'].includes(name) ? [[name, value]] : [];
  });
  return { method, uri: request.uri, fields: kept };
}

/** RFC 2617 with `qop=auth`, or without where none is offered; RFC 8760 for SHA-256. */
function digest(challenge: string, { method, uri }: PhoneRequest, { user, password }: PhoneUser): string {
  const said = (name: string): string | undefined => {
    const [, quoted, bare] = new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s,]+))`, 'i').exec(challenge) ?? [];
    return quoted ?? bare;
  };
  const algorithm = said('algorithm') ?? 'MD5';
  const hash = (text: string): string =>
    createHash(algorithm.toUpperCase() === 'SHA-256' ? 'sha256' : 'md5')
      .update(text)
      .digest('hex');
  const [realm = '', nonce = ''] = [said('realm'), said('nonce')];
  const [secret, act] = [hash(`${user}:${realm}:${password}`), hash(`${method}:${uri}`)];
  const common = `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}`;
  if (said('qop')?.includes('auth') !== true)
    return `${common}, response="${hash(`${secret}:${nonce}:${act}`)}"`;
  const cnonce = freshWord();
  const response = hash(`${secret}:${nonce}:00000001:${cnonce}:auth:${act}`);
  return `${common}, qop=auth, nc=00000001, cnonce="${cnonce}", response="${response}"`;
}
