/* What nobody but our own server may tell us of people: forged on the sandbox. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { InboundContact } from '#connector';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { eventually } from '#peers';
import { startSandboxXmpp, type SandboxXmpp, type SandboxXmppClient } from '#sandbox';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function begin(): Promise<{ rig: Rig; client: SandboxXmppClient; sandbox: SandboxXmpp }> {
  // What is forged is not counted.
  const sandbox = await startSandboxXmpp();
  sandbox.misbehave({ believeAnyCount: true });
  const rigs = new Rigs();
  stack.push(sandbox, rigs);
  const server = {
    host: sandbox.host,
    port: sandbox.port,
    names: { domain: sandbox.domain, rooms: sandbox.roomDomain },
    createAccount: (name: string, password: string) => {
      sandbox.addAccount({ name, password });
      return Promise.resolve();
    },
  };
  const rig = await rigs.begin({ server, user: 'alice' });
  await rig.until('online');
  const client = await sandbox.client('alice');
  // Presence goes out behind the question for the roster.
  await client.waitFor(/^<presence/);
  return { rig, client, sandbox };
}

const contacts = ({ house }: Rig): readonly InboundContact[] =>
  house.storage.stored.filter((event): event is InboundContact => event.type === 'contact');
const push = (from: string | undefined, id: string, item: string): string =>
  `<iq type="set" id="${id}"${from === undefined ? '' : ` from="${from}"`} to="alice@example.org/x">` +
  `<query xmlns="jabber:iq:roster">${item}</query></iq>`;
/** What we answered to a question. */
const answer = (id: string, type: 'result' | 'error'): RegExp =>
  new RegExp(`^<iq (?=[^>]*id=.${id}.)[^>]*type=.${type}.`);
const known = (rig: Rig, address: string) =>
  eventually(`${address} is told`, () => contacts(rig).find(({ party }) => party.address === address));

describe('a push of the roster', () => {
  it('counts from our own account and from nobody else', async () => {
    const { rig, client, sandbox } = await begin();
    const forgers = [
      `mallory@${sandbox.domain}`,
      `mallory@${sandbox.domain}/alice`,
      sandbox.domain,
      `alice@${sandbox.domain}.example.net`,
      `${rig.jid}/another`,
      'not a jid@@',
    ];
    for (const [at, from] of forgers.entries()) {
      const item = `<item jid="evil${String(at)}@example.net" subscription="both"/>`;
      client.say(push(from, `forged${String(at)}`, item));
      await client.waitFor(answer(`forged${String(at)}`, 'error'));
    }
    client.say(push(rig.jid, 'own', '<item jid="bob@example.net" subscription="none" name="Bob"/>'));
    await known(rig, 'bob@example.net');
    client.say(push(undefined, 'none', '<item jid="carol@example.net" subscription="none"/>'));
    await known(rig, 'carol@example.net');
    expect(contacts(rig).filter(({ party }) => party.address.startsWith('evil'))).toEqual([]);
    await client.waitFor(answer('own', 'result'));
  });

  it('has one entry with an address, or is refused without harm', async () => {
    const { rig, client } = await begin();
    const items = ['', '<item/>', '<item jid="a b@@"/>', '<item jid="a@b"/><item jid="c@d"/>', '<other/>'];
    for (const [at, item] of items.entries()) client.say(push(undefined, `bad${String(at)}`, item));
    for (const at of items.keys()) await client.waitFor(answer(`bad${String(at)}`, 'error'));
    client.say(
      push(undefined, 'good', '<item jid="Bob@Example.NET" name="&#x1F600; Bob"><group>a</group></item>'),
    );
    expect(await known(rig, 'bob@example.net')).toMatchObject({ name: '😀 Bob', groups: ['a'] });
    expect(contacts(rig)).toHaveLength(1);
    expect(rig.house.stateOf()?.state).toBe('online');
  });
});

describe('presence', () => {
  it('of rooms, strangers and ourselves is nobody’s on the roster', async () => {
    const { rig, client } = await begin();
    client.say(push(undefined, 'one', '<item jid="bob@example.net" subscription="to"/>'));
    await known(rig, 'bob@example.net');
    for (const from of [
      'room@rooms.example.org/bob@example.net',
      'mallory@example.net',
      `${rig.jid}/phone`,
      '',
      '@@',
    ])
      client.say(`<presence from="${from}"><show>chat</show></presence>`);
    client.say('<presence from="bob@example.net/desk"><show>dnd</show><priority>999</priority></presence>');
    await eventually('bob is busy', () => rig.house.presences.get('bob@example.net')?.presence === 'busy');
    expect([...rig.house.presences.keys()]).toEqual(['bob@example.net']);
    client.say('<presence from="bob@example.net" type="error"><error type="cancel"/></presence>');
    await eventually(
      'nothing is known of bob',
      () => rig.house.presences.get('bob@example.net')?.presence === 'unknown',
    );
  });

  it('of ten thousand devices and people is borne', async () => {
    const { rig, client } = await begin();
    client.say(push(undefined, 'one', '<item jid="bob@example.net" subscription="to"/>'));
    await known(rig, 'bob@example.net');
    for (let at = 0; at < 5_000; at++) {
      client.say(`<presence from="bob@example.net/${String(at)}"><show>away</show></presence>`);
      client.say(`<presence from="p${String(at)}@example.net" type="subscribe"/>`);
    }
    client.say('<presence from="bob@example.net/0"><show>chat</show></presence>');
    await eventually(
      'bob is chatty',
      () => rig.house.presences.get('bob@example.net')?.presence === 'chatty',
      30_000,
    );
    expect(contacts(rig).length).toBeLessThanOrEqual(1_001);
    expect(rig.house.stateOf()?.state).toBe('online');
  });
});
