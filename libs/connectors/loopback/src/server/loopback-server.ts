import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import type { FloodProfile } from '#connector';
import type { ErrorCode, Presence } from '#model';
import type { LoopbackEvent, LoopbackParty, ServerFrame } from '../loopback.frames.js';
import { Connection } from './connection.js';
import { Desk } from './desk.js';
import { Network, type Change, type Listed, type Room, type Words } from './network.js';
import type { PhoneState } from './phones.js';
import { Script, type Received } from './script.js';

export interface LoopbackServerOptions {
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** What every login must bring; absent: anything will do. */
  readonly password?: string;
  /** Deliveries on the wire without acknowledgement, per name. */
  readonly window?: number;
  /** Messages of a conversation that history keeps. */
  readonly keep?: number;
}

/**
 * The loopback network: one small server on a loopback port that does what it is told, for tests and load drivers.
 * Whoever is spoken to or about exists. Everything that a name is sent is kept until a client acknowledges it, over
 * `stop` and `start` too; a name without a client is heard by `heard` or `listen`.
 */
export class LoopbackServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  /** Everything accepted from clients, in order. */
  readonly received: Received[] = [];
  /** Every login that was tried, with its answer. */
  readonly logins: { readonly name: string; readonly granted: boolean }[] = [];
  private readonly script = new Script();
  private readonly network: Network;
  private readonly desk: Desk;
  private readonly connections = new Set<Connection>();
  private listener: Server | undefined;
  private taken = 0;
  private accepted = 0;
  private paused = false;

  private constructor(options: LoopbackServerOptions) {
    this.taken = options.port ?? 0;
    const attached = {
      has: (name: string) => this.desk.holder(name) !== undefined,
      mail: (name: string) => {
        this.desk.pump(name);
      },
      tell: (name: string, frame: ServerFrame) => this.desk.holder(name)?.write(frame),
    };
    this.network = new Network(attached, randomBytes(4).toString('hex'), options.keep ?? 10_000);
    this.desk = new Desk(this.network, this.script, {
      window: options.window ?? 1_024,
      password: options.password,
      received: this.received,
      logins: this.logins,
    });
  }

  /** Listens on a loopback port. */
  static async start(options: LoopbackServerOptions = {}): Promise<LoopbackServer> {
    const server = new LoopbackServer(options);
    await server.start();
    return server;
  }

  get port(): number {
    return this.taken;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.connections.size;
  }

  /** How often a client has taken a name that another one held: two sessions of one account. */
  get conflicts(): number {
    return this.desk.conflicts;
  }

  /** Begins to listen again, on the same port, with everything that was kept. */
  async start(): Promise<void> {
    if (this.listener) return;
    const listener = createServer((socket) => {
      socket.setNoDelay(true);
      const connection: Connection = new Connection(++this.accepted, socket, {
        frame: (frame) => {
          this.desk.take(connection, frame);
        },
        closed: () => {
          this.connections.delete(connection);
          this.desk.leave(connection);
        },
      });
      this.connections.add(connection);
      if (this.paused) connection.pause();
    });
    this.listener = listener;
    await new Promise<void>((ready, fail) => {
      listener.once('error', fail).listen(this.taken, this.host, ready);
    });
    const address = listener.address();
    if (address !== null && typeof address === 'object') this.taken = address.port;
  }

  /** Stops listening and ends every connection: with a word (`bye`), or as if the machine had died (`rst`). */
  async stop(how: 'bye' | 'rst' = 'rst'): Promise<void> {
    const { listener } = this;
    if (!listener) return;
    this.listener = undefined;
    const closed = new Promise((done) => listener.close(done));
    for (const connection of this.connections) {
      if (how === 'bye') connection.bye('server-shutdown');
      else connection.drop('rst');
    }
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.desk.stop();
    await this.stop();
  }

  // ---- what people on the network do ----

  /** Somebody says something to a name or in a room; gives the message's id. */
  say(from: string, to: string, words: string | Words): string {
    return this.network.say(from, to, typeof words === 'string' ? { text: words } : words);
  }

  /** It was said some time ago: only history has it. Gives the message's id. */
  archive(from: string, to: string, words: Words): string {
    return this.network.archive(from, to, words);
  }

  /** A name reads up to a moment on another device, or up to the message that is named. */
  markElsewhere(name: string, conversation: string, upTo: Date, last?: string): void {
    this.network.mark(name, conversation, upTo.getTime(), true, last);
  }

  change(from: string, to: string, change: Change): void {
    this.network.change(from, to, change);
  }

  join(name: string, room: string): void {
    this.network.join(name, room);
  }

  part(name: string, room: string): void {
    this.network.part(name, room);
  }

  topic(by: string, room: string, topic: string): void {
    this.network.topic(by, room, topic);
  }

  kick(by: string, room: string, who: string, detail?: string): void {
    this.network.kick(by, room, who, detail);
  }

  presence(name: string, presence: Presence, note?: string): void {
    this.network.presence(name, presence, note);
  }

  /** Somebody looks otherwise from now on, or like nothing. */
  face(name: string, avatar: Words['file']): void {
    this.network.face(name, avatar);
  }

  /** Somebody's roster is changed on another device. */
  listElsewhere(name: string, address: string, contact: Omit<Listed, 'address'> | undefined): void {
    this.network.listElsewhere(name, address, contact);
  }

  /** Somebody asks to see a name's presence. */
  askToSee(from: string, name: string): void {
    this.network.askToSee(from, name);
  }

  typing(name: string, to: string, active: boolean): void {
    this.network.typing(name, to, active);
  }

  /** Somebody lifts their phone and calls a name. */
  ring(from: string, to: string): void {
    this.network.phones.ring(from, to);
  }

  /** Somebody answers what rings at their phone. */
  pickUp(name: string): void {
    this.network.phones.pickUp(name);
  }

  /** Somebody puts the phone down, or does not want what rings. */
  hangUp(name: string): void {
    this.network.phones.hangUp(name);
  }

  rename(from: string, to: string): void {
    this.network.rename(from, to);
  }

  /** Somebody goes, and leaves their address to whoever comes. */
  leave(name: string): void {
    this.network.leave(name);
  }

  /** What others see of somebody: the name they show, the stable address that the network vouches for. */
  introduce(party: LoopbackParty): void {
    this.network.person(party.address).party = party;
  }

  /** Direct messages to this name are refused as not found, from now on. */
  banish(name: string): void {
    this.desk.banished.add(name);
  }

  /** Says how a room is: locked by a key, closed to all, without some capabilities. */
  arrange(room: string, how: Partial<Pick<Room, 'topic' | 'key' | 'closed' | 'without'>>): void {
    Object.assign(this.network.room(room), how);
  }

  // ---- what can be seen ----

  /** Whether a name has somebody on its roster. */
  lists(name: string, address: string): boolean {
    return this.network.person(name).roster.has(address);
  }

  /** Whether somebody may see a name's presence. */
  admits(name: string, who: string): boolean {
    return this.network.admits(name, who);
  }

  /** What a name without a client was told by others, in order. */
  heard(name: string): readonly LoopbackEvent[] {
    return this.network
      .person(name)
      .mailbox.all()
      .filter((event) => !('own' in event));
  }

  /** Gives what a name is told to a function instead of keeping it. */
  listen(name: string, listener: (event: LoopbackEvent) => void): void {
    this.network.person(name).listener = listener;
  }

  /** How somebody's phone is. */
  phoneOf(name: string): PhoneState {
    return this.network.phones.stateOf(name);
  }

  /** Who is in a room. */
  members(room: string): readonly string[] {
    return [...this.network.room(room).who];
  }

  /** Who is writing to a name. */
  writing(name: string): ReadonlySet<string> {
    return this.network.writing(name);
  }

  presenceOf(name: string): Presence {
    return this.network.person(name).presence;
  }

  /** How far a name has read in a conversation. */
  mark(name: string, conversation: string): Date | undefined {
    const upTo = this.network.person(name).marks.get(conversation);
    return upTo === undefined ? undefined : new Date(upTo);
  }

  /** How often a wire id was accepted. */
  timesReceived(wire: string): number {
    return this.desk.counts.get(wire) ?? 0;
  }

  /** Up to which delivery a name has acknowledged. */
  acknowledged(name: string): number {
    return this.network.person(name).mailbox.acknowledged;
  }

  /** How many deliveries to a name are not acknowledged. */
  unacknowledged(name: string): number {
    return this.network.person(name).mailbox.waiting;
  }

  /** Deliveries that a name's client said it will never keep. */
  declined(name: string): readonly { readonly n: number; readonly code: ErrorCode }[] {
    return this.desk.declined.get(name) ?? [];
  }

  // ---- what goes wrong ----

  dropConnections(how: 'rst' | 'fin' = 'rst'): void {
    for (const connection of this.connections) connection.drop(how);
  }

  /** Falls silent: reads nothing, writes nothing, closes nothing. New connections too. */
  pause(): void {
    this.paused = true;
    for (const connection of this.connections) connection.pause();
  }

  resume(): void {
    this.paused = false;
    for (const connection of this.connections) connection.resume();
  }

  /** Refuses the next sends. */
  refuseNext(code: ErrorCode, times = 1, detail?: string): void {
    this.script.next({ say: 'refuse', code, ...(detail === undefined ? {} : { detail }) }, times);
  }

  /** Answers the next sends with "come back in so many milliseconds". */
  laterNext(ms: number, times = 1): void {
    this.script.next({ say: 'later', ms }, times);
  }

  /** Takes the next sends without answer or echo; `lost`: they go no further, else their receiver hears them. */
  silentSends(times: number, fate: 'kept' | 'lost' = 'kept'): void {
    this.script.next({ say: 'nothing', lost: fate === 'lost' }, times);
  }

  /** Accepts so many more sends, then accepts one and cuts the connection before its answer. */
  cutAfter(sends: number): void {
    if (sends > 0) this.script.next({ say: 'accept' }, sends);
    this.script.next({ say: 'cut' }, 1);
  }

  /** Answers sends so many milliseconds late (their echo is not delayed). */
  answerLater(ms: number): void {
    this.script.answerDelayMs = ms;
  }

  /** Ignores acknowledgements: everything is delivered again after the next connect. */
  withholdAcks(withhold: boolean): void {
    this.script.withholdAcks = withhold;
  }

  /** Tells what was delivered and read: milliseconds after the answer, or all before the answer. */
  receipts(when: {
    readonly delivered?: number;
    readonly read?: number;
    readonly beforeAnswer?: boolean;
  }): void {
    this.script.receipts = when;
  }

  /** Answers `later` to whoever sends faster. */
  flood(profile: FloodProfile | undefined): void {
    this.script.flood = profile;
  }

  /** Tells every client how fast it may send from now on. */
  announceRate(profile: FloodProfile): void {
    for (const connection of this.connections) connection.write({ t: 'rate', ...profile });
  }

  /** Delivers everything unacknowledged once more, on the same connection. */
  redeliver(name: string): void {
    this.desk.redeliver(name);
  }

  /** Loses what was not acknowledged, and says so at the next attach. */
  loseMail(name: string, reason: string): void {
    this.desk.loseMail(name, reason);
  }

  /** Puts raw bytes on every connection. */
  raw(bytes: string | Uint8Array): void {
    for (const connection of this.connections) connection.raw(bytes);
  }
}
