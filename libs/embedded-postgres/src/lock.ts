/*
 * A directory held by one process, without flock(2), which Node does not offer, and without a pid file, which lies
 * after kill -9 and in containers, where everybody is pid 1.
 *
 * The holder listens on a Unix socket inside the directory. Whether it lives is asked of the kernel: a connection to
 * the socket of a dead process is refused at once, so there is nothing to time out and nothing to clean up by hand.
 *
 * Taking over is free of races because generations only grow. The socket's file is `lock/<n>`. To take over from <n>,
 * seen dead, a process listens under a name of its own and then makes `lock/<n+1>` of it with link(2), which fails if
 * somebody was faster. It holds the directory only if no higher generation is there after that; a sleeper who links a
 * number that has long been passed sees the higher one and withdraws. The file of the newest generation is never
 * removed, so that numbers never go down.
 *
 * Processes must share a kernel, as containers on one machine do: a socket file on a network file system looks dead
 * from another machine.
 */
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rm,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';

/** Somebody else holds this data directory. */
export class DataDirectoryLocked extends Error {
  override readonly name = 'DataDirectoryLocked';
  readonly code = 'ELOCKED';

  constructor(
    readonly directory: string,
    /** Who: `pid 4711 on host`. */
    readonly holder: string,
  ) {
    super(`the data directory ${directory} is in use by ${holder}`);
  }
}

export interface DirectoryLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** How often to begin again where others take and leave the directory at the same time. */
const attempts = 50;
/** How long a holder may take to say its name, in ms. It holds the directory all the same. */
const introductionMs = 3_000;
/** What fits into sockaddr_un.sun_path everywhere: 104 bytes on macOS with the final zero, 108 on Linux. */
const longestSocketPath = 103;

/** Takes an existing directory for this process alone, until released or dead. Throws {@link DataDirectoryLocked}. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const real = await realpath(directory);
  if (process.platform === 'win32') return lockByPipe(real);
  const folder = join(real, 'lock');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const reach = await Reach.into(folder);
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const top = (await generations(folder))[0] ?? 0;
      const holder = top > 0 ? await holderOf(folder, top, reach) : undefined;
      if (holder !== undefined) throw new DataDirectoryLocked(real, holder);
      const server = await claim(folder, top + 1, reach);
      if (server !== undefined) return lockOf(server);
    }
  } finally {
    await reach.close();
  }
  throw new DataDirectoryLocked(real, 'processes that take and leave it all the time');
}

/** Tries to become the holder in this generation; undefined where somebody was faster. */
async function claim(folder: string, generation: number, reach: Reach): Promise<Server | undefined> {
  const name = `new-${String(process.pid)}-${randomBytes(6).toString('hex')}`;
  const server = await listen(reach.path(name));
  const mine = join(folder, String(generation));
  try {
    await link(join(folder, name), mine);
  } catch (error) {
    server.close();
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  } finally {
    await rm(join(folder, name), { force: true });
  }
  const [top] = await generations(folder);
  if (top !== generation) {
    server.close();
    await rm(mine, { force: true });
    return undefined;
  }
  await writeFile(join(folder, 'holder'), `${String(generation)} ${introduction()}\n`, { mode: 0o600 });
  for (const old of await generations(folder))
    if (old < generation) await rm(join(folder, String(old)), { force: true });
  return server;
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
}

/** Who holds this generation; undefined where its holder is dead. */
async function holderOf(folder: string, generation: number, reach: Reach): Promise<string | undefined> {
  const answer = await askName(reach.path(String(generation)));
  if (answer !== '') return answer;
  // It lives, but does not speak: perhaps its thread is busy. It has left its name in writing.
  const note = await readFile(join(folder, 'holder'), 'utf8').catch(() => '');
  const prefix = `${String(generation)} `;
  return note.startsWith(prefix) ? note.slice(prefix.length).trim() : 'a process that does not answer';
}

/** What the process behind a socket says of itself, perhaps nothing; undefined where there is none. */
function askName(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let name = '';
    socket.setTimeout(introductionMs, () => {
      socket.destroy();
    });
    socket.on('data', (chunk) => {
      name += chunk.toString();
    });
    socket.on('error', (error) => {
      // Refused: its process is dead. No such file: somebody has just taken over, and is found at the next look.
      if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) resolve(undefined);
      else if (hasCode(error, 'ECONNRESET') || hasCode(error, 'EAGAIN')) resolve('');
      else reject(error);
    });
    socket.on('close', () => {
      resolve(name);
    });
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined); // it asked for a name and did not wait
      socket.end(introduction());
    });
    server.on('error', reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function lockOf(server: Server): DirectoryLock {
  const release = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  return { release, [Symbol.asyncDispose]: release };
}

function introduction(): string {
  return `pid ${String(process.pid)} on ${hostname()}`;
}

/** Windows has no Unix sockets in Node, but named pipes, which belong to their process as sockets do. */
async function lockByPipe(directory: string): Promise<DirectoryLock> {
  const name = createHash('sha256').update(directory.toLowerCase()).digest('hex').slice(0, 32);
  const path = `\\\\.\\pipe\\parley-${name}`;
  try {
    return lockOf(await listen(path));
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    throw new DataDirectoryLocked(directory, (await askName(path)) ?? 'another process');
  }
}

/** Names of sockets in a folder whose own path may be longer than a socket's address can hold. */
class Reach {
  private constructor(
    private readonly base: string,
    private readonly handle?: FileHandle,
  ) {}

  static async into(folder: string): Promise<Reach> {
    const room = longestSocketPath - '/new-4194304-0123456789ab'.length;
    const short = [folder, relative(process.cwd(), folder)].find((path) => Buffer.byteLength(path) <= room);
    if (short !== undefined) return new Reach(short);
    if (process.platform !== 'linux')
      throw new Error(`the path ${folder} is too long for a lock: choose a shorter data directory`);
    const handle = await open(folder);
    return new Reach(`/proc/self/fd/${String(handle.fd)}`, handle);
  }

  path(name: string): string {
    return join(this.base, name);
  }

  async close(): Promise<void> {
    await this.handle?.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
