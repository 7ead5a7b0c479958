/*
 * A daemon of the network kind: it reads its configuration, listens, and may be stopped and started again on the same
 * port. What inspircd.ts, ngircd.ts, ircd-hybrid.ts and znc.ts have in common.
 */
import { connect } from 'node:net';
import { eventually, run, type RunningProcess } from './peer.js';

export interface Daemon extends AsyncDisposable {
  readonly host: string;
  /** Where it takes whoever comes. */
  readonly port: number;
  /** Ends it as an operator would: from now on its port refuses. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Stops it in mid-air: connections stay open and nobody answers. */
  pause(): void;
  resume(): void;
  /** The process that runs now. */
  readonly pid: number | undefined;
  output(): string;
}

export interface DaemonOptions {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Where its files are: they go with it. */
  readonly scratch: Disposable;
  /** Who runs it; the one who runs the tests, unless said otherwise. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** It is there when this port takes connections. */
  readonly port: number;
}

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, binary, args, cwd, scratch, as, env, port } = options;
  let running: RunningProcess | undefined;
  const stop = async (): Promise<void> => {
    running?.child.kill('SIGCONT');
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  const start = async (): Promise<void> => {
    const started = run(binary, args, { cwd, ...as, ...(env && { env }) });
    running = started;
    const listens = async (): Promise<boolean> => {
      if (started.child.exitCode !== null) throw new Error(`${name} did not start: ${started.output()}`);
      return accepts(port);
    };
    // A whole Erlang has to start, on a machine that others use as well.
    await eventually(`${name} listens`, listens, 60_000);
  };
  const end = async (): Promise<void> => {
    await stop();
    scratch[Symbol.dispose]();
  };
  try {
    await start();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    start,
    stop,
    async restart() {
      await stop();
      await start();
    },
    pause: () => {
      running?.child.kill('SIGSTOP');
    },
    resume: () => {
      running?.child.kill('SIGCONT');
    },
    get pid() {
      return running?.child.pid;
    },
    output: () => running?.output() ?? '',
    [Symbol.asyncDispose]: end,
  };
}

/** Whom root runs a daemon as that refuses root: nobody. Others run it as themselves. */
export function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
}

/** Whether a loopback port takes connections. */
export async function accepts(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    const say = (yes: boolean): void => {
      socket.destroy();
      answer(yes);
    };
    socket
      .once('connect', () => {
        say(true);
      })
      .once('error', () => {
        say(false);
      });
  });
}
