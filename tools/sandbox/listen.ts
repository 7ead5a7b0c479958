import type { Server } from 'node:net';

/** Opens a server on a loopback port (0: any free one); resolves with the port that it has. */
export async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((ready, fail) => {
    server.once('error', fail).listen(port, '127.0.0.1', ready);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the sandbox has no port');
  return address.port;
}

/** Closes servers; resolves when all that came through them are gone. */
export async function shut(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((done) => {
          server.close(() => {
            done();
          });
        }),
    ),
  );
}
