import type { JsonObject } from '#connector';
import { unreachable, type ErrorCode } from '#model';
import { isCanonical } from '../loopback.addresses.js';
import type { ClientFrame, EnvelopeFrame, ServerFrame } from '../loopback.frames.js';
import type { Connection } from './connection.js';
import type { Change, Network } from './network.js';
import type { Received, Script } from './script.js';

interface DeskOptions {
  readonly window: number;
  readonly password: string | undefined;
  readonly received: Received[];
  readonly logins: { readonly name: string; readonly granted: boolean }[];
}

type Named = Extract<ClientFrame, { readonly as: string }>;

/** Serves clients: logins, who holds which name, deliveries within a window, sends by the script. */
export class Desk {
  readonly counts = new Map<string, number>();
  readonly declined = new Map<string, { readonly n: number; readonly code: ErrorCode }[]>();
  readonly banished = new Set<string>();
  conflicts = 0;
  private readonly holders = new Map<string, Connection>();
  private readonly lost = new Map<string, { from: number; until: number; reason: string }>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly network: Network,
    private readonly script: Script,
    private readonly options: DeskOptions,
  ) {}

  holder(name: string): Connection | undefined {
    return this.holders.get(name);
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** Acts on one frame of a client. */
  take(connection: Connection, frame: ClientFrame): void {
    if (frame.t === 'hello') this.hello(connection, frame);
    else if (frame.t === 'ping') connection.write({ t: 'pong', k: frame.k });
    else if (frame.t === 'bye') {
      connection.write({ t: 'bye' });
      connection.end();
    } else if (frame.t !== 'pong') {
      if (connection.login === undefined) connection.bye('protocol-violation');
      else if (frame.t === 'attach') this.attach(connection, frame);
      else if (this.holders.get(frame.as) === connection) this.takeNamed(connection, frame);
    }
  }

  /** The client is gone; its names stay in their rooms, and their mail waits. */
  leave(connection: Connection): void {
    for (const name of connection.sent.keys()) this.release(connection, name);
  }

  /** Sends what a name's mailbox holds, as far as the window allows. */
  pump(name: string): void {
    const connection = this.holders.get(name);
    if (!connection) return;
    const { mailbox } = this.network.person(name);
    const sent = connection.sent.get(name) ?? 0;
    const room = this.options.window - (sent - mailbox.acknowledged);
    if (room <= 0) return;
    for (const { n, event, late } of mailbox.after(sent, room)) {
      connection.write({ t: 'deliver', as: name, n, event, ...(late ? { late } : {}) });
      connection.sent.set(name, n);
    }
  }

  redeliver(name: string): void {
    this.holders.get(name)?.sent.set(name, this.network.person(name).mailbox.acknowledged);
    this.pump(name);
  }

  loseMail(name: string, reason: string): void {
    const { mailbox } = this.network.person(name);
    const [oldest] = mailbox.all();
    const until = Date.now();
    this.lost.set(name, { from: oldest?.at ?? until, until, reason });
    mailbox.lose();
  }

  private hello(connection: Connection, frame: Extract<ClientFrame, { t: 'hello' }>): void {
    const { password } = this.options;
    const granted = password === undefined || frame.password === password;
    this.options.logins.push({ name: frame.name, granted });
    if (!granted) {
      connection.write({ t: 'denied', code: 'auth-failed', detail: 'The name or the password is wrong.' });
      connection.end();
      return;
    }
    connection.login = frame.name;
    connection.receipts = frame.receipts;
    connection.write({ t: 'welcome', server: this.network.instance });
  }

  private attach(connection: Connection, { as, after }: Extract<ClientFrame, { t: 'attach' }>): void {
    if (!isCanonical(as) || as.startsWith('#')) {
      connection.write({ t: 'unattached', as, code: 'not-found' });
      return;
    }
    const before = this.holders.get(as);
    if (before && before !== connection) {
      this.conflicts++;
      before.bye('resource-conflict');
      this.release(before, as);
    }
    const { mailbox } = this.network.person(as);
    const { instance } = this.network;
    if (after?.instance === instance) mailbox.acknowledge(after.n);
    const lost = this.lost.get(as);
    this.lost.delete(as);
    this.holders.set(as, connection);
    connection.sent.set(as, mailbox.acknowledged);
    connection.write({
      t: 'attached',
      as,
      instance,
      first: mailbox.acknowledged + 1,
      ...(lost ? { lost } : {}),
    });
    this.pump(as);
  }

  private release(connection: Connection, name: string): void {
    connection.sent.delete(name);
    if (this.holders.get(name) !== connection) return;
    this.holders.delete(name);
    this.network.presence(name, 'offline');
  }

  private takeNamed(connection: Connection, frame: Exclude<Named, { t: 'attach' }>): void {
    const { as } = frame;
    const { network } = this;
    const answer = (q: number, code: ErrorCode | undefined): void => {
      connection.write({ t: 'answer', q, ...(code === undefined ? {} : { code }) });
    };
    switch (frame.t) {
      case 'detach':
        this.release(connection, as);
        connection.write({ t: 'detached', as });
        return;
      case 'ack':
        if (this.script.withholdAcks) return;
        network.person(as).mailbox.acknowledge(Math.min(frame.n, connection.sent.get(as) ?? 0));
        this.pump(as);
        return;
      case 'decline':
        this.declined.set(as, [...(this.declined.get(as) ?? []), { n: frame.n, code: frame.code }]);
        return;
      case 'send':
      case 'edit':
      case 'retract':
      case 'react':
        this.depart(connection, frame);
        return;
      case 'join':
        this.join(connection, frame);
        return;
      case 'part':
        network.part(as, frame.room);
        connection.write({ t: 'unjoined', as, room: frame.room });
        return;
      case 'presence':
        network.presence(as, frame.presence, frame.note);
        return;
      case 'contacts':
        network.list(as, frame.who, frame.off);
        return;
      case 'admit':
        network.admit(as, frame.who, frame.answer);
        return;
      case 'typing':
        network.typing(as, frame.to, frame.active);
        return;
      case 'history': {
        const { q, with: withWhom, ...range } = frame;
        connection.write({ t: 'page', q, ...network.history(as, withWhom, range) });
        return;
      }
      case 'mark':
        network.mark(as, frame.with, frame.upTo);
        return;
      case 'ask':
        connection.write(this.answer(frame));
        return;
      case 'call':
        answer(frame.q, network.phones.place(frame.call, as, frame.from ?? as, frame.to));
        return;
      case 'hang-up':
        answer(frame.q, network.phones.end(frame.call, as));
        return;
      case 'resolve':
        connection.write({
          t: 'resolved',
          q: frame.q,
          fate: this.counts.has(frame.wire) ? 'present' : 'absent',
        });
        return;
      default:
        unreachable(frame);
    }
  }

  private join(connection: Connection, { as, room: address, key }: Extract<Named, { t: 'join' }>): void {
    const room = this.network.room(address);
    const code = room.closed ?? (room.key !== undefined && room.key !== key ? 'not-allowed' : undefined);
    if (code !== undefined) {
      connection.write({ t: 'unjoined', as, room: address, code, detail: 'The room does not let you in.' });
      return;
    }
    this.network.join(as, address);
    const { topic, without } = room;
    connection.write({
      t: 'joined',
      as,
      room: address,
      who: this.network.occupants(address),
      ...(topic === '' ? {} : { topic }),
      ...(without.length === 0 ? {} : { without }),
    });
  }

  private answer({ as, q, kind, room, options }: Extract<Named, { t: 'ask' }>): ServerFrame {
    const { network } = this;
    const given =
      typeof options === 'object' && options !== null && !Array.isArray(options)
        ? (options as JsonObject)
        : {};
    const who = typeof given['who'] === 'string' && isCanonical(given['who']) ? given['who'] : undefined;
    const text = given['text'];
    if (kind === 'list-rooms')
      return { t: 'answer', q, answer: network.listRooms().map((line) => ({ ...line })) };
    if (kind === 'whois' && who !== undefined) {
      return {
        t: 'answer',
        q,
        answer: { ...network.person(who).party, presence: network.person(who).presence },
      };
    }
    if (room === undefined || !network.room(room).who.has(as)) return { t: 'answer', q, code: 'not-found' };
    if (kind === 'topic' && typeof text === 'string') network.topic(as, room, text);
    else if (kind === 'kick' && who !== undefined) network.kick(as, room, who);
    else if (kind === 'invite' && who !== undefined) {
      const by = network.person(as).party;
      network.put(who, { kind: 'room', conversation: room, act: 'invite', by, at: Date.now() });
    } else return { t: 'answer', q, code: 'unsupported' };
    return { t: 'answer', q };
  }

  /** An envelope's part: judged by the script, then by the rules. */
  private depart(connection: Connection, frame: EnvelopeFrame): void {
    const { as, wire, to } = frame;
    const { script } = this;
    const refuse = (code: ErrorCode, detail?: string): void => {
      connection.write({ t: 'refused', as, wire, code, ...(detail === undefined ? {} : { detail }) });
    };
    const verdict = script.judge();
    if (verdict.say === 'refuse') {
      refuse(verdict.code, verdict.detail);
      return;
    }
    const ms =
      verdict.say === 'later' ? verdict.ms : script.flood ? connection.waitMs(script.flood, Date.now()) : 0;
    if (ms > 0) {
      connection.write({ t: 'later', as, wire, ms });
      return;
    }
    if (to.startsWith('#') ? !this.network.room(to).who.has(as) : this.banished.has(to)) {
      refuse(to.startsWith('#') ? 'not-allowed' : 'not-found');
      return;
    }
    if (verdict.say === 'nothing' && verdict.lost) return;
    const id = this.network.nextId();
    this.note(connection, frame, id);
    if (verdict.say === 'accept') {
      const { receipts } = script;
      if (receipts.beforeAnswer === true) this.receipts(connection, frame, id, 0);
      this.later(script.answerDelayMs, () => {
        connection.write({ t: 'accepted', as, wire, id });
        if (receipts.beforeAnswer !== true) this.receipts(connection, frame, id);
      });
    }
    this.carry(frame, id, verdict.say !== 'nothing');
    if (verdict.say === 'cut') connection.drop('rst');
  }

  private note(connection: Connection, frame: EnvelopeFrame, id: string): void {
    const { t: kind, as: from, wire, to } = frame;
    const text = 'text' in frame ? frame.text : 'emoji' in frame ? frame.emoji : '';
    this.counts.set(wire, (this.counts.get(wire) ?? 0) + 1);
    this.options.received.push({ wire, id, kind, from, to, text, connection: connection.number });
  }

  /** Lets the network have it, with or without the sender's echo. */
  private carry(frame: EnvelopeFrame, id: string, echo: boolean): void {
    if (frame.t !== 'send') {
      this.network.change(frame.as, frame.to, { ...changeOf(frame), wire: frame.wire }, echo);
      return;
    }
    this.network.say(frame.as, frame.to, frame, { id, echo });
  }

  private receipts(connection: Connection, { as, wire }: EnvelopeFrame, id: string, at?: number): void {
    if (!connection.receipts) return;
    for (const state of ['delivered', 'read'] as const) {
      const ms = this.script.receipts[state];
      if (ms === undefined) continue;
      this.later(at ?? ms, () => {
        this.network.put(as, { kind: 'receipt', wire, id, state, at: Date.now() });
      });
    }
  }

  private later(ms: number, work: () => void): void {
    if (ms <= 0) {
      work();
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }
}

function changeOf(frame: Exclude<EnvelopeFrame, { t: 'send' }>): Change {
  switch (frame.t) {
    case 'edit':
      return { kind: 'edit', target: frame.target, text: frame.text };
    case 'retract':
      return { kind: 'retraction', target: frame.target };
    case 'react':
      return {
        kind: 'reaction',
        target: frame.target,
        emoji: frame.emoji,
        removed: frame.removed,
        ...(frame.all !== undefined && { all: frame.all }),
      };
    default:
      return unreachable(frame);
  }
}
