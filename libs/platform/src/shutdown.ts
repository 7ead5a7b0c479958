import type { Health } from './health.js';
import { logger } from './logger.js';

const log = logger('platform');

/** What is needed of the process; a test hands over another. */
export interface EndableProcess {
  on(event: 'SIGTERM' | 'SIGINT', listener: (signal: NodeJS.Signals) => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

/** How long an orderly end may take. */
const patienceMs = 10_000;

/**
 * Ends the server in order when the process is told to: it says that it is not ready any more, then closes what it
 * has, in the order opposite to its making; what is under way is finished. A second signal, or 10 s, end it at once:
 * nothing accepted is lost by that. So does an error that nobody caught, since nobody knows what it left half done.
 */
export function endOnSignal(
  app: { close(): Promise<void> },
  health: Pick<Health, 'stopping'>,
  on: EndableProcess = process,
): void {
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) {
      log.warn({ signal }, 'told a second time: ending at once');
      on.exit(1);
      return;
    }
    ending = true;
    log.info({ signal }, 'shutting down');
    health.stopping();
    const late = setTimeout(() => {
      log.error({ seconds: patienceMs / 1_000 }, 'could not shut down in time: ending at once');
      on.exit(1);
    }, patienceMs);
    app.close().then(
      () => {
        clearTimeout(late);
        log.info({}, 'shut down');
        on.exit(0);
      },
      (err: unknown) => {
        clearTimeout(late);
        log.error({ err }, 'shutting down failed');
        on.exit(1);
      },
    );
  };
  on.on('SIGTERM', end);
  on.on('SIGINT', end);
  const fall = (err: unknown): void => {
    log.error({ err }, 'an error that nobody caught: ending at once');
    on.exit(1);
  };
  on.on('uncaughtException', fall);
  on.on('unhandledRejection', fall);
}
