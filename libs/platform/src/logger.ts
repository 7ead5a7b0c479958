import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type DestinationStream, type Logger as Pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './config.js';
import { redacted } from './redact.js';

export type Facts = Readonly<Record<string, unknown>>;

/** The sentence is constant, the facts are fields; never a body, never a secret. An error goes under `err`. */
export interface Logger {
  trace(facts: Facts, sentence: string): void;
  debug(facts: Facts, sentence: string): void;
  info(facts: Facts, sentence: string): void;
  warn(facts: Facts, sentence: string): void;
  error(facts: Facts, sentence: string): void;
}

/** Silent until `startLogging`, so that tests of a room print nothing. */
let root: Pino = pino({ level: 'silent' });

/** Decides where logs go and which; loggers that rooms already hold follow. JSON lines, pretty on a terminal. */
export function startLogging(
  level: LogLevel,
  destination: DestinationStream = process.stdout.isTTY
    ? pretty({ translateTime: 'HH:MM:ss.l', ignore: 'pid,room', messageFormat: '{room}: {msg}' })
    : pino.destination(1),
): void {
  root = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      // Errors are told by the redaction below; pino's own serializer would run first and show all their fields.
      serializers: { err: (error: unknown) => error },
      formatters: {
        level: (label) => ({ level: label }),
        log: (facts) => redacted(facts) as Record<string, unknown>,
      },
    },
    destination,
  );
}

/** The logger of a room. */
export function logger(room: string): Logger {
  let of: Pino | undefined;
  let own: Pino = root;
  const current = (): Pino => {
    if (of !== root) {
      of = root;
      own = root.child({ room });
    }
    return own;
  };
  return {
    trace: (facts, sentence) => {
      current().trace(facts, sentence);
    },
    debug: (facts, sentence) => {
      current().debug(facts, sentence);
    },
    info: (facts, sentence) => {
      current().info(facts, sentence);
    },
    warn: (facts, sentence) => {
      current().warn(facts, sentence);
    },
    error: (facts, sentence) => {
      current().error(facts, sentence);
    },
  };
}

/** Nest's own voice among ours. What it says of its start is detail: one line per route and module. */
export class NestLog implements LoggerService {
  readonly #log = logger('nest');

  log(message: unknown, ...more: unknown[]): void {
    this.#log.debug(contextOf(more), sentence(message));
  }

  debug(message: unknown, ...more: unknown[]): void {
    this.#log.debug(contextOf(more), sentence(message));
  }

  verbose(message: unknown, ...more: unknown[]): void {
    this.#log.trace(contextOf(more), sentence(message));
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.#log.warn(contextOf(more), sentence(message));
  }

  error(message: unknown, ...more: unknown[]): void {
    const err = [message, ...more].find((each) => each instanceof Error);
    this.#log.error({ ...contextOf(more), ...(err && { err }) }, sentence(message));
  }

  fatal(message: unknown, ...more: unknown[]): void {
    this.error(message, ...more);
  }
}

/** Nest hands the name of the class that speaks over as the last argument. */
function contextOf(more: readonly unknown[]): Facts {
  const last = more.at(-1);
  return typeof last === 'string' && !last.includes('\n') ? { context: last } : {};
}

function sentence(message: unknown): string {
  return typeof message === 'string'
    ? message
    : message instanceof Error
      ? message.name
      : 'Nest says something';
}
