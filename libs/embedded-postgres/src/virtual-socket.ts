import { Duplex } from 'node:stream';

/** What a socket needs of the engine behind it. */
export interface SocketHost {
  /** Opens a connection; returns its number. */
  open(socket: VirtualSocket): number;
  send(connection: number, bytes: Uint8Array): void;
  /** The client will send nothing more; the engine answers by ending the connection. */
  end(connection: number): void;
  /** Nobody is there any more to hear of this connection. */
  forget(connection: number): void;
  /** Whether this connection keeps the process running, as an open TCP connection does. */
  hold(connection: number, held: boolean): void;
}

/**
 * What node-postgres takes for a TCP socket: a stream of protocol bytes to the engine's thread and back.
 * There is no back pressure: a client of PostgreSQL reads all that it has asked for.
 */
export class VirtualSocket extends Duplex {
  connecting = false;
  #connection: number | undefined;
  #held = true;

  constructor(private readonly host: SocketHost) {
    // As a TCP socket does, it closes its own half when the other side has closed.
    super({ allowHalfOpen: false, writableHighWaterMark: 1 << 20 });
  }

  connect(): this {
    this.connecting = true;
    process.nextTick(() => {
      this.connecting = false;
      if (this.destroyed) return;
      this.#connection = this.host.open(this);
      this.host.hold(this.#connection, this.#held);
      this.emit('connect');
    });
    return this;
  }

  /** The engine says something. */
  receive(bytes: Uint8Array): void {
    this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** The engine has ended this connection. */
  finish(): void {
    this.#forget();
    this.push(null);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this.#hold(true);
  }

  unref(): this {
    return this.#hold(false);
  }

  override _read(): void {
    // bytes come when they come
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#send(chunk);
    done();
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    done();
  }

  override _final(done: () => void): void {
    if (this.#connection !== undefined) this.host.end(this.#connection);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#connection !== undefined) this.host.end(this.#connection);
    this.#forget();
    done(error);
  }

  #hold(held: boolean): this {
    this.#held = held;
    if (this.#connection !== undefined) this.host.hold(this.#connection, held);
    return this;
  }

  #send(bytes: Buffer): void {
    if (this.#connection !== undefined) this.host.send(this.#connection, bytes);
  }

  #forget(): void {
    if (this.#connection === undefined) return;
    this.host.forget(this.#connection);
    this.#connection = undefined;
  }
}
