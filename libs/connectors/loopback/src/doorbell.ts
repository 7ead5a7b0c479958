import { createServer, type Server } from 'node:net';
import { failure, type Failure } from '#model';

interface DoorbellEvents {
  /** From now on it can be heard. */
  hung(): void;
  /** It cannot be put up: the port is taken. */
  refused(why: Failure): void;
  /** Somebody was at the door. */
  rung(): void;
}

/** A port of this machine: whoever connects has rung, and is let go at once. */
export class Doorbell {
  private readonly server: Server;

  constructor(host: string, port: number, events: DoorbellEvents) {
    this.server = createServer((socket) => {
      socket.on('error', () => undefined).destroy();
      events.rung();
    })
      .on('error', () => {
        events.refused(failure('resource-conflict', `Port ${String(port)} of this machine is taken.`));
      })
      .listen(port, host, () => {
        events.hung();
      });
  }

  /** Takes it down; resolves when the port is free. */
  async takeDown(): Promise<void> {
    await new Promise((done) => this.server.close(done));
  }
}
