import { Global, Module, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { openHouse, type House, type Somebody } from '#accounts/testing';
import type { Envelope, Message } from '#api';
import { loopback, LoopbackServer } from '#connectors/loopback';
import { CallLedger } from '#calls';
import { Fates } from '#conversations';
import { EnvelopeFates, Fence, Gate, type GateQuestion, type GateVerdict } from '#delivery';
import { CallIntake, Leases, LeaseStore } from '#sessions';
import { eventually } from '#peers';
import { openTestDatabase } from '#platform/testing';
import { roomsAbove } from '../src/app.module.js';
import { PortsModule } from '../src/ports.module.js';

/** As the server does for the stream. */
export function withWebSockets(app: NestFastifyApplication): void {
  app.useWebSocketAdapter(new WsAdapter(app));
}

/** A gate that does what the words of a message tell it. */
class WordGate extends Gate {
  override consider({ content }: GateQuestion): Promise<GateVerdict> {
    const { text } = content;
    if (text.startsWith('change ')) {
      return Promise.resolve({
        verdict: 'change',
        content: { ...content, text: `changed ${text.slice(7)}` },
      });
    }
    if (text.startsWith('hold '))
      return Promise.resolve({ verdict: 'hold', why: 'A person looks at it first.' });
    if (text.startsWith('refuse ')) {
      return Promise.resolve({ verdict: 'refuse', code: 'not-allowed', why: 'Not in this house.' });
    }
    return Promise.resolve({ verdict: 'allow' });
  }
}

@Global()
@Module({
  providers: [
    LeaseStore,
    Leases,
    { provide: Fence, useExisting: Leases },
    { provide: Fates, useClass: EnvelopeFates },
    { provide: CallIntake, useClass: CallLedger },
    { provide: Gate, useClass: WordGate },
  ],
  exports: [LeaseStore, Leases, Fence, Fates, CallIntake, Gate],
})
class TestPorts {}

/** The whole house in this process, with one account on a loopback network of its own. */
export class Loop implements AsyncDisposable {
  private constructor(
    readonly house: House,
    readonly network: LoopbackServer,
    readonly alice: Somebody,
    readonly account: string,
    private readonly close: () => Promise<void>,
  ) {}

  /** @param more secrets of the account, and variables as in the environment */
  static async open(
    settings: Readonly<Record<string, unknown>> = {},
    more: {
      readonly secrets?: Readonly<Record<string, string>>;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Loop> {
    const open = await openTestDatabase('embedded');
    const network = await LoopbackServer.start();
    const rooms = roomsAbove.filter((room) => room !== PortsModule) as Type[];
    const house = await openHouse(open.database, {
      lent: true,
      connectors: [loopback],
      rooms: [TestPorts, ...rooms],
      prepare: withWebSockets,
      ...(more.env && { env: more.env }),
    });
    const alice = await house.setUp();
    const { id } = await house.get<{ id: string }>('POST', '/v1/accounts', {
      token: alice.token,
      body: {
        connector: 'loopback',
        label: 'Loop',
        settings: {
          host: '127.0.0.1',
          port: network.port,
          name: 'alice',
          backoffMs: 20,
          backoffMaxMs: 100,
          ...settings,
        },
        ...(more.secrets && { secrets: more.secrets }),
      },
    });
    const loop = new Loop(house, network, alice, id, async () => {
      await house[Symbol.asyncDispose]();
      await network.stop();
      await open[Symbol.asyncDispose]();
    });
    await loop.state('online');
    return loop;
  }

  async ask<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<T> {
    return await this.house.get<T>(method, path, {
      token: this.alice.token,
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Waits until the account’s session stands there. */
  async state(state: string): Promise<void> {
    await eventually(`the session is ${state}`, async () => {
      const { session } = await this.ask<{ session: { state: string } }>(
        'GET',
        `/v1/accounts/${this.account}`,
      );
      return session.state === state;
    });
  }

  /** The direct conversation with somebody. */
  async with(name: string): Promise<string> {
    const { id } = await this.ask<{ id: string }>('POST', '/v1/conversations', {
      account: this.account,
      address: name,
      kind: 'direct',
    });
    return id;
  }

  async send(conversation: string, text: string, more: object = {}): Promise<Message> {
    return await this.ask<Message>('POST', `/v1/conversations/${conversation}/messages`, { text, ...more });
  }

  /** Waits until a message’s last envelope is in a state. */
  async fate(message: { readonly id: string }, state: string): Promise<Envelope> {
    return await eventually(`the envelope is ${state}`, async () => {
      const { items } = await this.ask<{ items: Envelope[] }>('GET', `/v1/messages/${message.id}/envelopes`);
      const last = items.at(-1);
      return last?.state === state ? last : undefined;
    });
  }

  async messages(conversation: string): Promise<Message[]> {
    return (
      await this.ask<{ items: Message[] }>('GET', `/v1/conversations/${conversation}/messages?limit=200`)
    ).items;
  }

  /** What the network was sent, in order. */
  sent(): string[] {
    return this.network.received.filter(({ kind }) => kind === 'send').map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
