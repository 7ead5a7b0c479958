import { pino } from 'pino';

export type Facts = Readonly<Record<string, unknown>>;

/** The sentence is constant, the facts are fields; never a body, never a secret. An error goes under `err`. */
export interface Logger {
  trace(facts: Facts, sentence: string): void;
  debug(facts: Facts, sentence: string): void;
  info(facts: Facts, sentence: string): void;
  warn(facts: Facts, sentence: string): void;
  error(facts: Facts, sentence: string): void;
}

const root = pino({ level: 'info' });

/** The logger of a room; make one per file that logs. */
export function logger(room: string): Logger {
  return root.child({ room });
}
