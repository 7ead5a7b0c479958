import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually, freePort, scratchDirectory } from '#peers';

const main = fileURLToPath(new URL('../../../dist/apps/server/src/main.js', import.meta.url));

export interface HouseOptions {
  /** A PostgreSQL server instead of the embedded engine. */
  readonly databaseUrl?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** An answer of the API. */
export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
}

/** The built server as a process of its own, to be killed and started again on the same data. */
export class House implements AsyncDisposable {
  token = '';
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly options: HouseOptions,
    private readonly directory: Disposable & { readonly path: string },
    readonly port: number,
  ) {}

  /** Starts a server and sets it up: its first person is alice. */
  static async open(options: HouseOptions = {}): Promise<House> {
    const house = new House(options, scratchDirectory('house'), await freePort());
    try {
      await house.start();
      await house.setUp();
      return house;
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
  }

  private async setUp(): Promise<void> {
    const { token } = await this.ask<{ token: string }>('POST', '/v1/setup', {
      code: /Setup code: (\S+)/.exec(this.output)?.[1],
      name: 'Alice',
      email: 'alice@example.org',
      password: 'a long enough password',
    });
    this.token = token;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  get dataDirectory(): string {
    return this.directory.path;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts the process and waits until it says that it is ready. */
  async start(): Promise<void> {
    this.output = '';
    const child = spawn(process.execPath, [main], {
      env: {
        PATH: process.env['PATH'],
        PARLEY_PORT: String(this.port),
        PARLEY_DATA_DIR: this.directory.path,
        PARLEY_LOG_LEVEL: 'warn',
        ...(this.options.databaseUrl === undefined ? {} : { DATABASE_URL: this.options.databaseUrl }),
        ...this.options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await eventually(
      'the server is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the server ended: ${this.output}`);
        return this.output.includes('Parley is ready on');
      },
      60_000,
    );
  }

  /** What it has printed since it was started. */
  printed(): string {
    return this.output;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** One request. Throws when there is no answer. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as T };
  }

  /** The body of a good answer; anything else is an error. */
  async ask<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body);
    if (answer.status >= 300) {
      throw new Error(
        `${method} ${path} was answered ${String(answer.status)}: ${JSON.stringify(answer.body)}`,
      );
    }
    return answer.body;
  }

  /** The same, again and again until the server answers with something else than 503. */
  async insist<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    return await eventually(
      `${method} ${path} is answered`,
      async () => {
        try {
          const answer = await this.call<T>(method, path, body, headers);
          return answer.status === 503 ? undefined : answer;
        } catch {
          return undefined;
        }
      },
      240_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.directory[Symbol.dispose]();
  }
}
