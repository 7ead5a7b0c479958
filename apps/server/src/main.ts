import { SetupCode } from '#accounts';
import { ConfigError, endOnSignal, Health, readConfig, startLogging } from '#platform';
import { createApp } from './app.js';

try {
  const config = readConfig(process.env);
  startLogging(config.logLevel);
  const app = await createApp(config);
  endOnSignal({ close: () => closeWithin(app) }, app.get(Health));
  await app.listen(config.port, config.host);
  greet((config.publicUrl?.href ?? (await app.getUrl())).replace(/\/$/, ''), app.get(SetupCode).current());
} catch (error) {
  process.stderr.write(`Parley cannot start. ${sentenceOf(error)}\n`);
  process.exitCode = 1;
  // What was opened on the way must not keep a server half alive.
  setTimeout(() => process.exit(1), 2_000).unref();
}

function greet(url: string, code: string | undefined): void {
  const setup = code === undefined ? '' : `Set it up at ${url}/#setup=${code}\nSetup code: ${code}\n`;
  process.stdout.write(`Parley is ready on ${url}\n${setup}`);
}

/** Connections that were opened and never used would hold up the end: they get a moment, no more. */
async function closeWithin(app: Awaited<ReturnType<typeof createApp>>): Promise<void> {
  const late = setTimeout(() => {
    app.getHttpServer().closeAllConnections();
  }, 3_000);
  await app.close();
  clearTimeout(late);
}

function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
