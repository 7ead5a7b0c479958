import type { Reply } from './backend.js';
import type { Connection } from './connection.js';
import type { Engine } from './engine.js';
import type { Batch } from './frontend.js';
import { SessionSettings } from './settings.js';
import { expectedTag, raise } from './statement.js';
import {
  concat,
  encode,
  message,
  query,
  quoteIdentifier,
  quoteLiteral,
  readyForQuery,
  sync,
  writeInt32,
  type Bytes,
} from './wire.js';

/** What a server reports of itself, as a client connects and whenever it changes (PostgreSQL documentation, 54.2.7). */
const reported = [
  'application_name',
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'search_path',
  'server_encoding',
  'server_version',
  'standard_conforming_strings',
  'TimeZone',
];

/** The reported settings of a connection that asks for nothing. */
export async function reportedParameters(engine: Engine): Promise<ReadonlyMap<string, string>> {
  const names = reported.map((name) => quoteLiteral(name.toLowerCase())).join(', ');
  const { rows } = await engine.ask(`SELECT name, setting FROM pg_settings WHERE lower(name) IN (${names})`);
  return new Map(rows.map(([name, value]) => [name ?? '', value ?? '']));
}

/**
 * The engine's one session, worn by one connection after another. What a session holds is kept per connection:
 * settings are switched before a turn, prepared statements carry the connection's prefix, notifications go to those
 * who listen. Not kept apart, because nothing of ours uses them: temporary tables, session-level advisory locks,
 * SQL-level PREPARE, cursors WITH HOLD, currval().
 */
export class Session {
  batches = 0;
  readonly #settings: SessionSettings;
  /** A connection has said UNLISTEN, and the session may have stopped to hear what others wait for. */
  #deaf = false;

  constructor(
    private readonly engine: Engine,
    private readonly parameters: ReadonlyMap<string, string>,
    private readonly connections: ReadonlyMap<number, Connection>,
    private readonly send: (connection: Connection, bytes: Bytes) => void,
  ) {
    this.#settings = new SessionSettings(engine);
  }

  get switches(): number {
    return this.#settings.switches;
  }

  /** Lets a connection in, where its settings fit. */
  async greet(connection: Connection): Promise<boolean> {
    const refusal = await this.#settings.apply(connection.settings);
    this.send(connection, refusal ?? connection.greeting(this.#parametersOf(connection)));
    return refusal === undefined;
  }

  #parametersOf({ settings }: Connection): Map<string, string> {
    return new Map(
      [...this.parameters].map(([name, value]) => [name, settings.get(name.toLowerCase()) ?? value]),
    );
  }

  /**
   * Runs a batch and sends its answer.
   * @param inside whether the session is this connection's already, in the middle of its transaction.
   * @returns whether it is still in the middle of something, so that nobody else may have the session.
   */
  async run(connection: Connection, batch: Batch, inside: boolean): Promise<boolean> {
    if (!inside) {
      const refusal = await this.#settings.apply(connection.settings);
      if (refusal !== undefined) {
        this.send(connection, concat([refusal, readyForQuery('I')]));
        return false;
      }
    }
    if (batch.reusesUnnamed && this.engine.unnamedStatementOf !== connection.id)
      return this.fail(connection, '26000', 'unnamed prepared statement does not exist', true);
    const forgets = batch.traits.find((traits) => traits.forgets !== 'nothing')?.forgets ?? 'nothing';
    const reply = await this.engine.run(
      concat(batch.messages),
      (piece) => {
        this.send(connection, piece);
      },
      batch.kind !== 'flush',
      expectedTag(forgets),
    );
    this.batches++;
    if (batch.kind === 'query') this.engine.unnamedStatementOf = undefined;
    else if (batch.parsesUnnamed) this.engine.unnamedStatementOf = connection.id;
    connection.status = reply.status ?? connection.status;
    connection.lastCommand = reply.tags.at(-1) ?? connection.lastCommand;
    const amidst = connection.status !== 'I' || reply.status === undefined;
    this.#learn(connection, batch, reply);
    if (!amidst) await this.#settle(connection, reply);
    if (forgets !== 'nothing' && reply.error === undefined) {
      await this.closeStatements(connection);
      if (forgets === 'everything') connection.channels.clear();
    }
    this.#deliver(connection, reply);
    return amidst;
  }

  /** Answers with an error in a batch's stead; the engine itself raises it, so that an open transaction fails too. */
  fail(connection: Connection, code: string, text: string, inside: boolean): Promise<boolean> {
    const batch: Batch = { ...nothing, kind: 'query', messages: [query(raise(code, text))] };
    return this.run(connection, batch, inside);
  }

  /** Ends whatever a connection was in the middle of. */
  async rollBack(): Promise<void> {
    // Sync first: after an error in the extended protocol the engine reads nothing else.
    await this.engine.run(concat([sync, query('ROLLBACK')]), ignore);
    this.engine.unnamedStatementOf = undefined;
  }

  /** Drops the statements that a connection has prepared. */
  async closeStatements(connection: Connection): Promise<void> {
    const names = connection.statementNames;
    if (names.length === 0) return;
    connection.forgetStatements(names);
    await this.engine.run(concat([...names.map((name) => message('C', encode('S'), name)), sync]), ignore);
  }

  /** Notes what a batch has changed about its connection. */
  #learn(connection: Connection, batch: Batch, reply: Reply): void {
    connection.forgetStatements(batch.closes);
    if (reply.error === undefined)
      connection.listenChanges.push(...batch.traits.flatMap(({ listens }) => listens));
    this.#deaf ||= reply.tags.includes('UNLISTEN');
    const local = batch.traits.length > 0 && batch.traits.every(({ setsLocally }) => setsLocally);
    connection.settingsTouched ||=
      (!local && reply.tags.some((tag) => tag === 'SET' || tag === 'RESET')) ||
      batch.traits.some(({ maySet }) => maySet);
  }

  /** Does what can be done only outside of a transaction. */
  async #settle(connection: Connection, reply: Reply): Promise<void> {
    connection.settleListens(reply.tags.includes('ROLLBACK'));
    if (connection.settingsTouched) {
      connection.settingsTouched = false;
      const before = this.#parametersOf(connection);
      connection.settings = await this.#settings.capture();
      for (const [name, value] of this.#parametersOf(connection))
        if (before.get(name) !== value) this.send(connection, message('S', name, value));
    }
    if (this.#deaf) await this.#listenAgain();
  }

  async #listenAgain(): Promise<void> {
    this.#deaf = false;
    const channels = new Set([...this.connections.values()].flatMap((one) => [...one.channels]));
    const sql = [...channels].map((channel) => `LISTEN ${quoteIdentifier(channel)}`).join('; ');
    if (sql !== '') await this.engine.ask(sql);
  }

  #deliver(from: Connection, reply: Reply): void {
    for (const { channel, bytes } of reply.notifications) {
      writeInt32(bytes, 5, from.process); // the notifying backend's process, as its client knows it
      for (const listener of this.connections.values()) {
        if (listener.channels.has(channel)) this.send(listener, bytes.slice());
      }
    }
  }
}

function ignore(): void {
  // nobody waits for this answer
}

/** A batch without anything in it. */
export const nothing: Batch = {
  kind: 'terminate',
  messages: [],
  traits: [],
  closes: [],
  reusesUnnamed: false,
  parsesUnnamed: false,
};
