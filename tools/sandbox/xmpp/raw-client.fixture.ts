/* A socket and the text that came over it, from the very first byte on: for what lies below stanzas. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { until } from '../until.js';

export class RawXmpp implements AsyncDisposable {
  text = '';
  isClosed = false;
  #socket: Socket;
  readonly #domain: string;
  #closed: Promise<void> = Promise.resolve();

  constructor(port: number, domain: string, tls?: ConnectionOptions) {
    this.#domain = domain;
    this.#socket =
      tls === undefined ? connect(port, '127.0.0.1') : connectTls({ ...tls, port, host: '127.0.0.1' });
    this.#attach();
  }

  /** Where the text is now: what comes later is behind it. */
  get mark(): number {
    return this.text.length;
  }

  send(...texts: readonly string[]): void {
    this.#socket.write(texts.join(''));
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async waitFor(pattern: RegExp, after = 0): Promise<RegExpExecArray> {
    return until(
      `text like ${String(pattern)} in ${this.text.slice(-1_500)}`,
      () => pattern.exec(this.text.slice(after)) ?? undefined,
    );
  }

  /** Sends a text and waits for one that comes after it. */
  async ask(text: string, pattern: RegExp): Promise<RegExpExecArray> {
    const after = this.mark;
    this.send(text);
    return this.waitFor(pattern, after);
  }

  async open(domain = this.#domain): Promise<string> {
    const header =
      `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' ` +
      `xmlns:stream='http://etherx.jabber.org/streams'>`;
    const [features] = await this.ask(
      header,
      /<stream:(features>.*<\/stream:features>|error>.*<\/stream:error>)/s,
    );
    return features;
  }

  async signIn(name: string, password: string): Promise<this> {
    if (this.text === '') await this.open();
    const plain = Buffer.from(`\0${name}\0${password}`).toString('base64');
    await this.ask(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
      /<success/,
    );
    await this.open();
    return this;
  }

  /** Binds a resource; with `resume`, the stream can be resumed: gives the id under which it can. */
  async bind(resource: string, resume = false): Promise<string> {
    await this.ask(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
      /<jid>/,
    );
    if (!resume) return '';
    const [, id = ''] = await this.ask(
      "<enable xmlns='urn:xmpp:sm:3' resume='true'/>",
      /<enabled[^>]* id='([^']+)'/,
    );
    return id;
  }

  async secure(options: ConnectionOptions): Promise<void> {
    await this.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", /<proceed/);
    this.#socket.removeAllListeners('data').removeAllListeners('close');
    this.#socket = connectTls({ ...options, socket: this.#socket });
    this.text = '';
    this.#attach();
  }

  cut(): void {
    this.#socket.destroy();
  }

  async gone(): Promise<void> {
    await until('the connection is closed', () => this.isClosed || undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }

  #attach(): void {
    const decoder = new TextDecoder();
    this.#closed = new Promise((done) => {
      this.#socket
        .on('data', (chunk: Buffer) => {
          this.text += decoder.decode(chunk, { stream: true });
        })
        .on('error', () => this.#socket.destroy())
        .on('close', () => {
          this.isClosed = true;
          done();
        });
    });
  }
}
