/*
 * Real software that tests talk to. A test brings up its own instance on free loopback ports in a scratch directory and
 * ends it by pid. A missing package is named: skipped on a developer's machine, a failure where PARLEY_REQUIRE_PEERS=1.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';

export interface Peer {
  readonly name: string;
  /** Debian package. */
  readonly package: string;
  /** Absolute paths, any of which will do. */
  readonly binaries: readonly string[];
  /** False of a library, which is read. */
  readonly runs?: boolean;
}

/** The first of a peer's binaries that is here and may be run, or read if it is a library. */
export function binaryOf(peer: Peer): string | undefined {
  return peer.binaries.find((path) => {
    try {
      accessSync(path, peer.runs === false ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a suite that needs real peers: skipped with the package's name where one is missing, failed where it is required. */
export function describeWithPeers(name: string, peers: readonly Peer[], suite: () => void): void {
  const missing = peers.filter((peer) => binaryOf(peer) === undefined).map((peer) => peer.package);
  if (missing.length === 0) {
    describe(name, suite);
    return;
  }
  const why = `missing package: ${missing.join(', ')} (npm run peers)`;
  if (process.env['PARLEY_REQUIRE_PEERS'] === '1') {
    it(name, () => {
      throw new Error(why);
    });
    return;
  }
  describe.skip(`${name} (${why})`, suite);
}

/**
 * A free loopback port; taken by nobody for the moment. Below those that systems give to outgoing connections (32,768 on
 * Linux): of those, any connection of a test beside could take it before its server listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_768);
    const server = createServer();
    const isFree = await new Promise<boolean>((told, fail) => {
      server
        .once('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'EADDRINUSE') told(false);
          else fail(error);
        })
        .listen(port, '127.0.0.1', () => {
          told(true);
        });
    });
    if (!isFree) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }
}

/** A scratch directory that goes when its holder goes. */
export function scratchDirectory(label: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), `parley-${label}-`));
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export interface RunningProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it has printed so far, both streams. */
  output(): string;
}

/** Starts a program and ends it, by pid, when its holder goes: SIGTERM (or `endWith`), then SIGKILL after 3 s. */
export function run(
  command: string,
  args: readonly string[],
  {
    endWith = 'SIGTERM',
    ...options
  }: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly uid?: number;
    readonly gid?: number;
    readonly endWith?: NodeJS.Signals;
  } = {},
): RunningProcess {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-65_536);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<void>((done) =>
    child
      .once('exit', () => {
        done();
      })
      .once('error', () => {
        done();
      }),
  );
  return {
    child,
    output: () => output,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(endWith);
        const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
        await exited;
        clearTimeout(hard);
      }
    },
  };
}

/** Waits for a fact, looking every few milliseconds; fails with the sentence when the deadline passes. */
export async function eventually<T>(
  sentence: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`not seen in ${String(deadlineMs)} ms: ${sentence}`);
    await new Promise((again) => setTimeout(again, 15));
  }
}
