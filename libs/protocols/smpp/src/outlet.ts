import type { Duplex } from 'node:stream';

/** So much is gathered before it is written within the same turn. */
const enough = 65_536;

/**
 * The way out: what is written in one turn of the event loop goes as one piece, and while the peer takes nothing, nothing
 * more is handed to the connection.
 */
export class Outlet {
  readonly #socket: Duplex;
  readonly #drained: () => void;
  #gathered: Buffer[] = [];
  #size = 0;
  #isScheduled = false;
  #isBlocked = false;

  /** @param drained is told when writing may go on. */
  constructor(socket: Duplex, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.#drained();
    });
  }

  /** Whether the connection holds as much as it should. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  write(bytes: Buffer): void {
    this.#gathered.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= enough) this.flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => {
        this.#isScheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    const pieces = this.#gathered;
    if (pieces.length === 0) return;
    const [first] = pieces;
    const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, this.#size);
    this.#gathered = [];
    this.#size = 0;
    if (this.#socket.writable && !this.#socket.write(whole)) this.#isBlocked = true;
  }
}
