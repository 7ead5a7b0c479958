/*
 * What an implementation brings to the conformance kit: its connector and a way to start a network to talk to. The kit
 * never names a protocol; what a network cannot do for a test is left out here, and the test is skipped with the name
 * of what is missing in its title.
 *
 * A harness in one breath. `start` brings the network up once for the suite. `login` makes a login whose settings point
 * at the host and port that it is given: not the network's own, because the kit's fault proxy stands there. `observer`
 * is somebody on the network who does not use Parley (a plain socket, a command-line client) and says and hears things
 * on their own; what they hear must not come from the code under test.
 *
 *     describeWithPeers('on the real thing', [thePeer], () => {
 *       describeConnector('x', {
 *         connector,
 *         start: async () => { const server = await startIt(); return { host, port, login, observer, … }; },
 *         acts: ['rooms', 'restarts'],
 *         addresses: { good: { Alice: 'alice' } },
 *       });
 *     });
 *
 * Settings of a login should be the shortest and the most generous that the connector takes: first back-off of some
 * milliseconds, silence noticed in a fraction of a second, a rate that lets hundreds of messages through (and a server
 * configured to bear them). Fresh names for every login and observer keep a test's late messages out of the next one.
 * Where the connector speaks TLS, let most suites run without: what the proxy says inside TLS is just a broken record.
 * A test that a connector need not pass is excused by its id with a reason, which then stands in its title.
 */
import type { Connector, JsonObject, RawRequest } from '#connector';
import type { CapabilityName, Presence } from '#model';
import type { Endpoint } from './fault-proxy.js';

export interface Harness {
  readonly connector: Connector;
  /** Brings the network up, once for the suite. It is disposed of at the end. */
  start(): Promise<Network>;
  /** The optional acts below that this network offers. Declared here because tests are made before it is started. */
  readonly acts: readonly ActName[];
  /**
   * What the connector can do elsewhere and not on this network: a live session must not say that it can. What is not
   * named it must be able to do here.
   */
  readonly lacks?: readonly CapabilityName[];
  readonly addresses: {
    /** Texts that a person may type, and what they become. */
    readonly good: Readonly<Record<string, string>>;
    /** Texts that are no address on this network, besides the obvious (empty, control characters, endless). */
    readonly bad?: readonly string[];
  };
  /** Words by which somebody on this network says whether they want to be written to, as whole messages. */
  readonly consents?: { readonly out: string; readonly in: string; readonly help: string };
  readonly timing?: Partial<Timing>;
  /** How many messages the tests of order and volume send; 200 where nothing is said. */
  readonly volume?: number;
  /** Tests that this connector need not pass, by their id, each with the reason. The reason stands in the title. */
  readonly exceptions?: Readonly<Record<string, string>>;
}

export interface Timing {
  /** How long a fact may take before a test gives it up, in milliseconds. */
  readonly factMs: number;
  /** How long a test watches that nothing happens. */
  readonly quietMs: number;
  /** By when a session with the harness's settings has noticed a silent link. Absent: not within a test's time. */
  readonly silenceMs?: number;
  /** The longest that a session with the harness's settings waits before its third try. */
  readonly backoffMs: number;
}

export const defaultTiming: Timing = { factMs: 10_000, quietMs: 40, backoffMs: 2_000 };

/** A network that is up. */
export interface Network extends Endpoint, AsyncDisposable {
  /** A login for one test, reached at this endpoint. Fresh if it can be; settings with the shortest times there are. */
  login(at: Endpoint): Promise<Login>;
  /** Somebody who listens and speaks without Parley. */
  observer(): Promise<Observer>;

  // ---- acts: each optional, and declared by its name ----

  /** `rooms`: the address of a room that nobody is in. */
  room?(): Promise<string>;
  /** `restarts`: stops the network so that its port is dead, then `restart` brings it back. */
  stop?(): Promise<void>;
  restart?(): Promise<void>;
  /** `redelivers`: how many deliveries to this login the network holds to be unacknowledged. */
  unacknowledged?(login: Login): number;
  /** `receipts`: from now on the network tells what was delivered. */
  tellReceipts?(): Promise<void>;
  /** `injections`: protocol lines that, said by this login, would make an address hear the text `injected`. */
  injections?(login: Login, address: string): readonly string[];
  /** `marks`: how far the network has it that this login has read, and another device of it that reads on. */
  marks?(login: Login): {
    of(conversation: string): Date | undefined;
    move(conversation: string, upTo: Date): Promise<void>;
  };
  /** `webhooks`: what the provider calls a URL with when somebody says this to a login; its id is the provider's. */
  webhook?(login: Login, url: string, said: { readonly id: string; readonly text: string }): WebhookRequest;
  /** `signed-webhooks`: the same as somebody might forge who saw it go by and does not know the key. */
  forgeries?(login: Login, request: WebhookRequest): readonly WebhookRequest[];
  /** `listens`: settings that, laid over a login's, make its session listen at a port of this machine. */
  listening?(port: number): JsonObject;
  /** `shared-link`: a second account on the login's link. */
  second?(login: Login): Promise<Pick<Login, 'localAddress' | 'address'>>;
}

/** A call of a provider, on its way. */
export type WebhookRequest = Omit<RawRequest, 'at'>;

/** The names of the acts, and the member that each one needs. */
export const acts = {
  rooms: 'room',
  restarts: 'restart',
  redelivers: 'unacknowledged',
  receipts: 'tellReceipts',
  injections: 'injections',
  marks: 'marks',
  webhooks: 'webhook',
  'signed-webhooks': 'forgeries',
  'shared-link': 'second',
  listens: 'listening',
  /** The login brings secrets that the network refuses. */
  'refuses-secrets': undefined,
  /** The network keeps what was said, and can be asked for it. */
  history: undefined,
  /** Observers can change what they said. */
  changes: undefined,
  /** Observers show presence, and see it. */
  presence: undefined,
  /** Observers ask to see somebody's presence, and hear the answer. */
  admissions: undefined,
  /** Observers show a picture of themselves to those who see their presence. */
  avatars: undefined,
  /** Observers show that they write, and see it. */
  typing: undefined,
  /** Observers can send files. */
  files: undefined,
  /** Observers have a phone. */
  calls: undefined,
} as const satisfies Record<string, keyof Network | undefined>;

export type ActName = keyof typeof acts;

export interface Login {
  readonly settings: JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
  /** Secrets that the network refuses (`refuses-secrets`). */
  readonly wrongSecrets?: Readonly<Record<string, string>>;
  /** How the account is addressed on a shared link. */
  readonly localAddress?: string;
  /** The address by which others reach it once it is online. */
  readonly address: string;
  /** Its address in a room, where that is another. */
  addressIn?(room: string): string;
}

/** What an observer was told. */
export interface Heard {
  /** Who said it. */
  readonly from: string;
  /** Where: the room's address, or the observer's own. */
  readonly to: string;
  /** The text; of a reaction the emoji; of a retraction nothing. */
  readonly text: string;
  readonly kind: 'message' | 'edit' | 'retraction' | 'reaction';
}

export interface Observer extends AsyncDisposable {
  readonly address: string;
  /** Their address in a room, where that is another. */
  addressIn?(room: string): string;
  /** The address of the conversation that somebody has with them, where it is not theirs alone: by that of the other. */
  conversationWith?(address: string): string;
  /** Says something to an address, in a room if it is one. */
  say(to: string, text: string): Promise<void>;
  /** Everything heard so far, in order. */
  heard(): readonly Heard[];
  join(room: string): Promise<void>;
  leave(room: string): Promise<void>;

  // ---- acts ----

  /** `changes`: changes the last message with this text that was said to this address. */
  change?(
    to: string,
    said: string,
    change:
      | { readonly kind: 'edit'; readonly text: string }
      | { readonly kind: 'retraction' }
      | { readonly kind: 'reaction'; readonly emoji: string },
  ): Promise<void>;
  /** `files`: sends a file to an address; says so in a message where the network has no other word for it. */
  sendFile?(to: string, file: { readonly name: string; readonly bytes: Uint8Array }): Promise<void>;
  /** `presence`: shows a presence, and sees others'. */
  show?(presence: Presence): Promise<void>;
  sees?(address: string): Presence | undefined;
  /** `admissions`: asks to see somebody's presence. */
  askToSee?(address: string): Promise<void>;
  /** Whether they may see it, as they were told. */
  maySee?(address: string): boolean;
  /** `avatars`: a picture (PNG), or none any more. */
  wear?(picture: Uint8Array | undefined): Promise<void>;
  /** `calls`: lifts the phone and calls an address. */
  ring?(address: string): Promise<void>;
  /** Answers what rings. */
  pickUp?(): Promise<void>;
  /** Puts the phone down, or does not want what rings. */
  hangUp?(): Promise<void>;
  /** How the phone is now. `calling`: in a call that the other end has not answered. */
  phone?(): 'idle' | 'calling' | 'ringing' | 'answered';
  /** `typing`. */
  type?(to: string, active: boolean): Promise<void>;
  /** Whether an address was last seen to be writing. */
  seesTyping?(address: string): boolean;
}
