import { binaryOf, eventually, freePort, run, scratchDirectory, type Peer } from './peer.js';

export const redisPeer: Peer = {
  name: 'Redis',
  package: 'redis-server',
  binaries: ['/usr/bin/redis-server', '/usr/local/bin/redis-server'],
};

export interface RunningRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The server goes at once, as in a crash, with all that it held; `start` brings it back on the same port, empty. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A Redis of one's own on a free loopback port, in memory only. */
export async function startRedis(): Promise<RunningRedis> {
  const binary = binaryOf(redisPeer);
  if (binary === undefined) throw new Error(`missing package: ${redisPeer.package} (npm run peers)`);
  const scratch = scratchDirectory('redis');
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', scratch.path];
  const inMemory = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const begin = async () => {
    const server = run(binary, [...args, ...inMemory], { cwd: scratch.path, env: { LC_ALL: 'C' } });
    await eventually('Redis takes connections', () => {
      if (server.child.exitCode !== null) throw new Error(`Redis ended: ${server.output()}`);
      return server.output().includes('Ready to accept connections');
    });
    return server;
  };
  let server = await begin();
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    port,
    async kill() {
      server.child.kill('SIGKILL');
      await eventually(
        'Redis is gone',
        () => server.child.signalCode !== null || server.child.exitCode !== null,
      );
    },
    async start() {
      await server[Symbol.asyncDispose]();
      server = await begin();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}
