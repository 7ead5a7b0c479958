/* A modem that speaks AT commands (3GPP TS 27.005) over TCP, where smstools can reach one: no radio, no SIM, no wait. */
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from './peer.js';
import { readSubmit, writeDeliver, writeStatusReport, type SubmitTpdu } from './tpdu.js';

/** A part that was sent, with the reference that the modem answered. */
export type SentPart = SubmitTpdu & { readonly reference: number };

const room = 30;

export class AtModem implements AsyncDisposable {
  readonly port: number;
  /** What was sent through it, in order. */
  readonly sent: SentPart[] = [];
  /** Whether it answers submits with a reference; else with an error, as a network's. */
  works = true;
  /** How many commands it has answered. */
  served = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #memory = new Map<number, string>();
  #references = 0;
  #received = 0;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((socket) => {
      this.#serve(socket);
    });
  }

  /** Starts one on a free loopback port. */
  static async start(): Promise<AtModem> {
    const modem = new AtModem(await freePort());
    await new Promise<void>((ready, fail) => {
      modem.#server.once('error', fail).listen(modem.port, '127.0.0.1', ready);
    });
    return modem;
  }

  /** How many texts and reports wait in its memory. */
  get waiting(): number {
    return this.#memory.size;
  }

  /** A text arrives; it waits in the modem's memory until somebody reads and deletes it. */
  receive(from: string, text: string): void {
    for (const pdu of writeDeliver(from, text, new Date(), ++this.#received)) this.#store(pdu);
  }

  /** The network says what became of a part: 0 is received, 0x40 and above failed for good. */
  confirm(to: string, reference: number, status: number): void {
    this.#store(writeStatusReport(to, reference, status, new Date()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }

  #store(pdu: string): void {
    let index = 1;
    while (this.#memory.has(index)) index++;
    this.#memory.set(index, pdu);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    let came = '';
    let sending = false;
    socket.on('data', (chunk: Buffer) => {
      came += chunk.toString('latin1');
      for (;;) {
        // A text ends with control-Z, a command with a carriage return.
        const end = came.indexOf(sending ? '\u001a' : '\r');
        if (end < 0) return;
        const said = came.slice(0, end).trim();
        came = came.slice(end + 1);
        const prompts = !sending && said.startsWith('AT+CMGS=');
        socket.write(prompts ? '\r\n> ' : `\r\n${sending ? this.#submit(said) : this.#answer(said)}\r\n`);
        sending = prompts;
      }
    });
  }

  #submit(pdu: string): string {
    if (!this.works) return '+CMS ERROR: 38';
    const reference = this.#references++ % 256;
    this.sent.push({ ...readSubmit(pdu), reference });
    return `+CMGS: ${String(reference)}\r\n\r\nOK`;
  }

  #answer(command: string): string {
    this.served++;
    const [, name = '', index] = /^AT(\+\w+)?(?:[?=](\d*))?/.exec(command) ?? [];
    const said = this.#said(name, Number(index));
    if (name === '+CMGD') this.#memory.delete(Number(index));
    return said === undefined ? 'OK' : `${said}\r\n\r\nOK`;
  }

  #said(name: string, index: number): string | undefined {
    const memory = `"SM",${String(this.#memory.size)},${String(room)}`;
    const pdu = this.#memory.get(index);
    switch (name) {
      case '+CPIN':
        return '+CPIN: READY';
      case '+CSQ':
        return '+CSQ: 20,0';
      case '+CREG':
        return '+CREG: 0,1';
      case '+CIMI':
        return '001010123456789';
      case '+CPMS':
        return `+CPMS: ${[memory, memory, memory].join(',')}`;
      case '+CMGR':
        return pdu === undefined ? undefined : `+CMGR: 0,,${String(pdu.length / 2 - 1)}\r\n${pdu}`;
      default:
        return undefined;
    }
  }
}
