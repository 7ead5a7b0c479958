import type { Engine } from './engine.js';
import { quoteIdentifier, quoteLiteral, type Bytes } from './wire.js';

/** Settings (GUCs) that a connection has changed from their defaults, by lower-case name. */
export type Settings = ReadonlyMap<string, string>;

/*
 * Those that PostgreSQL lists as changed in the session, with `role`, which it does not list, in front: it decides
 * what else may be set. Left out is what belongs to a transaction and not to the session.
 */
const changed = `
  SELECT 'role', current_setting('role') WHERE current_setting('role') <> 'none'
  UNION ALL
  SELECT lower(name), setting FROM pg_settings
  WHERE source = 'session' AND name NOT IN
    ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'seed', 'session_authorization', 'is_superuser')`;

/** Gives the engine's one session the settings of whichever connection has its turn. */
export class SessionSettings {
  #current: Settings = new Map();
  /** How often settings had to be changed. */
  switches = 0;

  constructor(private readonly engine: Engine) {}

  /** Applies a connection's settings; returns the engine's ErrorResponse where it refuses one. Outside transactions only. */
  async apply(wanted: Settings): Promise<Bytes | undefined> {
    const commands = difference(this.#current, wanted);
    if (commands.length === 0) {
      this.#current = wanted;
      return undefined;
    }
    this.switches++;
    const { reply } = await this.engine.ask(commands.join('; '));
    if (reply.error === undefined) {
      this.#current = wanted;
      return undefined;
    }
    await this.engine.ask('RESET role; RESET ALL');
    this.#current = new Map();
    return reply.error;
  }

  /** Reads back what a connection's statements have made of the settings. Outside transactions only. */
  async capture(): Promise<Settings> {
    const { rows } = await this.engine.ask(changed);
    this.#current = new Map(rows.map(([name, value]) => [name ?? '', value ?? '']));
    return this.#current;
  }
}

function difference(current: Settings, wanted: Settings): string[] {
  if (current === wanted) return [];
  const commands: string[] = [];
  for (const name of current.keys()) {
    if (!wanted.has(name)) commands.push(`RESET ${name.split('.').map(quoteIdentifier).join('.')}`);
  }
  const sets = [...wanted].filter(([name, value]) => current.get(name) !== value);
  if (sets.length > 0) {
    const calls = sets.map(
      ([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`,
    );
    commands.push(`SELECT ${calls.join(', ')}`);
  }
  return commands;
}

/**
 * The settings that a client asks for as it connects: the parameters of its startup message, over those of its
 * `options`, which are written like a command line (`-c search_path=a,b --work_mem=1MB`, a backslash escapes).
 */
export function startupSettings(parameters: ReadonlyMap<string, string>): Settings {
  const settings = new Map<string, string>();
  for (const [name, value] of commandLine(parameters.get('options') ?? '')) settings.set(name, value);
  for (const [name, value] of parameters) {
    if (['user', 'database', 'options', 'replication'].includes(name) || name.startsWith('_pq_')) continue;
    settings.set(name.toLowerCase(), value);
  }
  settings.delete('client_encoding'); // UTF-8 and nothing else
  return settings;
}

function commandLine(options: string): [name: string, value: string][] {
  const words = (options.match(/(?:\\.|[^\s\\])+/gs) ?? []).map((word) => word.replaceAll(/\\(.)/gs, '$1'));
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    let word = words[i] ?? '';
    if (word === '-c') word = words[++i] ?? '';
    else if (word.startsWith('-c')) word = word.slice(2);
    else if (word.startsWith('--')) word = word.slice(2);
    else continue;
    const equals = word.indexOf('=');
    if (equals > 0)
      settings.push([word.slice(0, equals).replaceAll('-', '_').toLowerCase(), word.slice(equals + 1)]);
  }
  return settings;
}

const units = { us: 0.001, ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A setting that is a time, in ms; undefined where it is absent, zero or not a time. */
export function milliseconds(value: string | undefined): number | undefined {
  const [, number = '', unit = 'ms'] = /^\s*([\d.]+)\s*([a-z]*)\s*$/.exec(value ?? '') ?? [];
  const factor = unit === '' ? 1 : units[unit as keyof typeof units];
  const time = Number(number) * factor;
  return time > 0 ? time : undefined;
}
