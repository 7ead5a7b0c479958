/* Many accounts on the one link of a component (XEP-0114), on real servers. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { OutboundEnvelope, SendOutcome, Session } from '#connector';
import { directText, FaultProxy, TestContext } from '#connector/testing';
import { createXmpp } from '#connectors/xmpp';
import { newId, type AccountId } from '#model';
import { describeXmpp, eventually, type PlainXmpp, type Tree, type XmppServer } from '#peers';

const brisk = { connect: 2_000, negotiate: 3_000, iq: 3_000, firstRetry: 30, longestRetry: 200, close: 600 };

/** A component, with accounts on it. */
class Component implements AsyncDisposable {
  readonly house: TestContext;
  readonly session: Session;
  readonly #domain: string;

  constructor(server: XmppServer, at: { readonly port: number }, secret = server.componentSecret) {
    this.#domain = server.names.gateway;
    this.house = new TestContext({ secrets: { password: secret } });
    const settings = {
      mode: 'component',
      component: this.#domain,
      host: '127.0.0.1',
      port: at.port,
      security: 'none',
    };
    this.session = createXmpp({ timings: brisk }).open({ id: newId<'LinkId'>(), settings }, this.house);
  }

  attach(local: string, address = `${local}@${this.#domain}`): { id: AccountId; address: string } {
    const id = newId<'AccountId'>();
    const desired = { rooms: [], contacts: [], presence: { presence: 'available' } };
    this.session.attach({ id, localAddress: address, desired });
    return { id, address };
  }

  async until(account: AccountId, state: string): Promise<void> {
    await eventually(`the account is ${state}`, () => this.house.stateOf(account)?.state === state);
  }

  async say(account: AccountId, to: string, text: string): Promise<SendOutcome> {
    const envelope: OutboundEnvelope = directText(account, to, text);
    return eventually('it is taken', async () => {
      const outcome = await this.session.send(envelope, new AbortController().signal);
      return outcome.outcome === 'later' ? undefined : outcome;
    });
  }

  heard(account: AccountId): readonly string[] {
    return this.house.heard().flatMap((one) => (one.account === account ? [one.content.text] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close('asked');
  }
}

describeXmpp('a component of %s', (scene) => {
  let bob: PlainXmpp;

  beforeAll(async () => {
    bob = await scene.visit('bob');
  });

  const at = (): { readonly port: number } => ({ port: scene.server.ports.component });
  const from =
    (address: string, text: string) =>
    (stanza: Tree): boolean =>
      stanza.attrs['from']?.split('/')[0] === address && JSON.stringify(stanza).includes(text);

  it('carries many accounts over one connection, each with its own messages', async () => {
    await using proxy = await FaultProxy.start({ host: '127.0.0.1', port: scene.server.ports.component });
    await using component = new Component(scene.server, proxy);
    component.session.connect();
    const accounts = Array.from({ length: 20 }, (_, index) => component.attach(`one${String(index)}`));
    for (const { id, address } of accounts) {
      await component.until(id, 'online');
      expect(component.house.stateOf(id)).toEqual({ state: 'online', localAddress: address });
    }
    expect(proxy.connects).toBe(1);
    await Promise.all(
      accounts.map(async ({ id, address }) => {
        bob.say(address, `to ${address}`);
        expect(await component.say(id, bob.bare, `from ${address}`)).toMatchObject({ outcome: 'sent' });
        await bob.waitFor(address, from(address, `from ${address}`));
      }),
    );
    for (const { id, address } of accounts) {
      await eventually('it is heard', () => component.heard(id).length > 0);
      expect(component.heard(id)).toEqual([`to ${address}`]);
    }
  });

  it('knows what was refused from what has arrived', async () => {
    await using component = new Component(scene.server, at());
    const { id } = component.attach('alice');
    component.session.connect();
    const outcome = await component.say(id, `nobody@${scene.server.names.domain}`, 'hello?');
    expect(outcome.outcome).toBe('refused');
    expect(await component.say(id, bob.bare, 'hello!')).toMatchObject({ outcome: 'sent' });
  });

  it('answers for its domain and its accounts, and for nobody else', async () => {
    await using component = new Component(scene.server, at());
    const alice = component.attach('alice');
    component.session.connect();
    await component.until(alice.id, 'online');
    const info = '<query xmlns="http://jabber.org/protocol/disco#info"/>';
    const ping = '<ping xmlns="urn:xmpp:ping"/>';
    const { gateway } = scene.server.names;
    expect(JSON.stringify(await bob.ask('get', info, gateway))).toContain('gateway');
    for (const there of [gateway, alice.address, `${alice.address}/parley`]) {
      expect((await bob.ask('get', ping, there)).attrs['type']).toBe('result');
    }
    const nobody = await bob.ask('get', ping, `nobody@${gateway}`);
    expect(JSON.stringify(nobody)).toContain('item-not-found');
    const id = bob.say(`nobody@${gateway}`, 'hello?');
    const bounce = await bob.waitFor(
      'the error',
      ({ name, attrs }) => name === 'message' && attrs['id'] === id,
    );
    expect(JSON.stringify(bounce)).toContain('item-not-found');
    expect(component.house.heard()).toEqual([]);
  });

  it('keeps the others going when one leaves, and takes nobody in who is not of its domain', async () => {
    await using component = new Component(scene.server, at());
    component.session.connect();
    const [one, other] = [component.attach('one'), component.attach('other')];
    await component.until(one.id, 'online');
    await component.until(other.id, 'online');
    await component.session.detach(one.id);
    expect(component.house.stateOf(one.id)).toEqual({ state: 'offline' });
    bob.say(one.address, 'too late');
    bob.say(other.address, 'still there?');
    await eventually('it is heard', () => component.heard(other.id).length === 1);
    expect(component.heard(one.id)).toEqual([]);
    const stranger = component.attach('stranger', `stranger@${scene.server.names.domain}`);
    expect(component.house.stateOf(stranger.id)).toMatchObject({
      state: 'needs-person',
      code: 'not-found',
    });
  });

  it('asks the person where the secret is wrong, and tries once', async () => {
    await using proxy = await FaultProxy.start({ host: '127.0.0.1', port: scene.server.ports.component });
    await using component = new Component(scene.server, proxy, 'wrong');
    component.session.connect();
    const [one, other] = [component.attach('one'), component.attach('other')];
    for (const { id } of [one, other]) {
      await component.until(id, 'needs-person');
      expect(component.house.stateOf(id)).toMatchObject({ code: 'auth-failed', remedy: 'ask-person' });
    }
    expect(proxy.connects).toBe(1);
  });

  describe('when its link is cut', () => {
    it('says what is unknown, and is back with all its accounts over one connection', async () => {
      await using proxy = await FaultProxy.start({ host: '127.0.0.1', port: scene.server.ports.component });
      await using component = new Component(scene.server, proxy);
      component.session.connect();
      const accounts = [component.attach('one'), component.attach('two'), component.attach('three')];
      for (const { id } of accounts) await component.until(id, 'online');
      const [first] = accounts;
      proxy.swallow(true);
      const flying = component.say(first?.id ?? newId<'AccountId'>(), bob.bare, 'into the dark');
      const states = component.house.states.length;
      proxy.cut('rst');
      expect((await flying).outcome).toBe('unknown');
      proxy.swallow(false);
      for (const { id, address } of accounts) {
        await eventually('it is back', () => {
          const since = component.house.states.slice(states).filter(({ account }) => account === id);
          return since.at(-1)?.state.state === 'online';
        });
        bob.say(address, 'welcome back');
        await eventually('it is heard', () => component.heard(id).includes('welcome back'));
      }
    });
  });
});
