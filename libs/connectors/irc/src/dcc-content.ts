/*
 * The bytes of one file that comes by DCC SEND (modern.ircdocs.horse/dcc): plain TCP, and after what has come a count
 * of it, 32 bits, the highest first. Whoever sends is a stranger: no more is read than was offered or may be, silence
 * ends it, and so does the signal.
 */
import { connect, type Socket } from 'node:net';
import type { SessionClock, Target } from '#connector';

export interface ContentOptions {
  /** An address, never a name: nothing is looked up. */
  readonly from: Target;
  /** Bytes, as the offer claims. What comes beyond is not read, and fewer are a failure. */
  readonly size?: number;
  /** The most bytes there may be. */
  readonly most: number;
  /** Milliseconds: until it is connected, without a byte, and for all of it. */
  readonly connectMs: number;
  readonly idleMs: number;
  readonly wholeMs: number;
  readonly clock: SessionClock;
  readonly signal: AbortSignal;
}

/** Why no more came. Its message is for the person and tells no address. */
export class ContentFailure extends Error {}

/** Counts that the sender has not read yet, in bytes; past it they are left out, for each holds all before it. */
const mostUnread = 16_384;

/**
 * Connects when the first byte is asked for, and reads as fast as it is asked. The socket ends with it, however it ends.
 * @throws {ContentFailure}
 */
export async function* contentOf(options: ContentOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { from, size, most, clock, signal, connectMs, idleMs, wholeMs } = options;
  if (size === 0) return;
  if (signal.aborted) throw new ContentFailure('it was broken off');
  const socket = connect({ ...from, allowHalfOpen: true, noDelay: true });
  let reason: ContentFailure | undefined;
  const end = (why: string): void => {
    reason ??= new ContentFailure(why);
    socket.destroy();
  };
  const abort = (): void => {
    end('it was broken off');
  };
  let disarm = clock.after(connectMs, () => {
    end('nobody answers there');
  });
  const arm = (): void => {
    disarm();
    disarm = clock.after(idleMs, () => {
      end('its sender has fallen silent');
    });
  };
  const disarmWhole = clock.after(wholeMs, () => {
    end('it took too long');
  });
  let otherwise = 'nobody answers there';
  signal.addEventListener('abort', abort, { once: true });
  socket
    .once('connect', () => {
      otherwise = 'it broke off';
      arm();
    })
    // Told by the reading; after it, of no interest.
    .on('error', () => undefined)
    .once('close', () => {
      disarm();
      disarmWhole();
      signal.removeEventListener('abort', abort);
    });
  const wanted = Math.min(size ?? most, most);
  let received = 0;
  let complete = false;
  try {
    // Left open by the iterator: the last count is still to leave.
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      disarm();
      const taken = chunk.subarray(0, wanted - received);
      received += taken.length;
      if (taken.length < chunk.length && size !== wanted) {
        throw new ContentFailure('it is larger than may be taken');
      }
      yield taken;
      acknowledge(socket, received, received === size);
      complete = received === size;
      if (complete) return;
      arm();
    }
    if (size !== undefined) throw new ContentFailure('it ended before all of it had come');
    complete = true;
  } catch (error) {
    if (error instanceof ContentFailure) throw error;
    throw reason ?? new ContentFailure(otherwise);
  } finally {
    if (complete && !socket.destroyed) {
      // Whoever does not read the last count is not waited for longer than for anything else.
      arm();
      socket.destroySoon();
    } else {
      socket.destroy();
    }
  }
}

/** Says how many bytes have come. */
function acknowledge(socket: Socket, received: number, last: boolean): void {
  if (!socket.writable || (!last && socket.writableLength > mostUnread)) return;
  const count = Buffer.alloc(4);
  count.writeUInt32BE(received % 2 ** 32);
  socket.write(count);
}
