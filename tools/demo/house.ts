/* Parley itself, for the demo: the built server as a process with a fresh data directory, set up over its own API. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ParleyClient, type Conversation } from '#api';

const main = join(import.meta.dirname, '../../apps/server/src/main.js');
/** How long the server may take to be ready, an account to be online: a machine may be slow. */
const patienceMs = 120_000;

/** The person for whom everything is set up. */
export const person = { name: 'Alice', email: 'alice@example.org', nick: 'alice' };

type Setting = string | number | boolean | readonly string[];
type Settings = Readonly<Record<string, Setting | Readonly<Record<string, Setting>>>>;

interface NewAccount {
  readonly connector: string;
  readonly label: string;
  readonly settings: Settings;
  readonly secrets?: Readonly<Record<string, string>>;
}

export class House {
  readonly url: string;
  readonly password = randomBytes(9).toString('base64url');
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #code: string;
  #output = '';
  #isReady = false;
  #token = '';

  private constructor(port: number, directory: string) {
    this.url = `http://127.0.0.1:${String(port)}`;
    this.#directory = directory;
    this.#code = randomBytes(12).toString('hex');
    // What the environment says of a real Parley is not for this one.
    const environment = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('PARLEY_') && name !== 'DATABASE_URL' && name !== 'REDIS_URL',
    );
    this.#child = spawn(process.execPath, [main], {
      env: {
        ...Object.fromEntries(environment),
        PARLEY_PORT: String(port),
        PARLEY_DATA_DIR: directory,
        PARLEY_SETUP_CODE: this.#code,
        PARLEY_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in the terminal is for the demo, which then ends the server in order.
      detached: true,
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
      this.#isReady ||= this.#output.includes('Parley is ready on');
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  /** Starts a server and makes its first person; gives up when the signal says so. */
  static async open(port: number, signal: AbortSignal): Promise<House> {
    const house = new House(port, await mkdtemp(join(tmpdir(), 'parley-demo-')));
    try {
      await until(
        'Parley is ready',
        () => {
          if (house.hasEnded) throw new Error(`Parley did not start.\n${house.#output}`);
          return Promise.resolve(house.#isReady);
        },
        signal,
      );
      const { name, email } = person;
      const body = { code: house.#code, name, email, password: house.password, workspace: 'Demo' };
      const { token } = await house.client.call('setup', { body });
      house.#token = token;
      return house;
    } catch (error) {
      await house.close();
      throw error;
    }
  }

  get token(): string {
    return this.#token;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when the server has ended, whoever ended it; with what it said last. */
  async ended(): Promise<string> {
    if (!this.hasEnded) await once(this.#child, 'exit');
    return this.#output;
  }

  get client(): ParleyClient {
    return new ParleyClient({
      url: this.url,
      ...(this.#token !== '' && { token: this.#token }),
      openSocket: (url, headers) => new WebSocket(url, { headers }),
    });
  }

  /** Gives the person an account on a server of this machine, and enters a room. */
  async enter(account: NewAccount, room: string, signal: AbortSignal): Promise<Conversation> {
    // The first person is an admin, and an admin may use a server on this machine.
    const made = await this.client.call('createAccount', { body: { secrets: {}, ...account } });
    const { id } = await this.client.call('createConversation', {
      body: { account: made.id, address: room, kind: 'room' },
    });
    let conversation: Conversation | undefined;
    await until(
      `${person.nick} is in ${room}`,
      async () => {
        conversation = await this.client.call('getConversation', { params: { id } });
        return conversation.joined;
      },
      signal,
    );
    if (conversation === undefined) throw new Error(`${room} is gone`);
    return conversation;
  }

  /** Gives the person an account that is online, and a conversation with somebody by it. */
  async reach(account: NewAccount, address: string, signal: AbortSignal): Promise<Conversation> {
    const { id } = await this.client.call('createAccount', { body: { secrets: {}, ...account } });
    await until(
      `${account.label} is online`,
      async () => (await this.client.call('getAccount', { params: { id } })).session.state === 'online',
      signal,
    );
    return this.client.call('createConversation', { body: { account: id, address, kind: 'direct' } });
  }

  /** Ends the server in order, and removes its data. */
  async close(): Promise<void> {
    if (!this.hasEnded) {
      const hard = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
      this.#child.kill('SIGTERM');
      await this.ended();
      clearTimeout(hard);
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function until(sentence: string, look: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`It takes too long: ${sentence}.`);
    await pause(100, undefined, { signal });
  }
}
