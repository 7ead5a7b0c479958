/* A trunk: who is let in, for whom, and that nothing is passed on. */
import { randomBytes } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { can } from '#connector';
import { newId } from '#model';
import { eventually, freeSipPort } from '#peers';
import { Challenger, Credentials, parseNameAddr } from '#protocols/sip';
import { domain, Neighbour, peerAt, trunk, type Saying } from './trunk.fixture.js';

it('takes what a peer says to an account of its domain, and says what the account says to that peer', async () => {
  const neighbour = await Neighbour.start();
  const { port, house, send } = await trunk([peerAt(neighbour)]);
  expect((await neighbour.say(port)).status).toBe(200);
  expect(house.heard()).toMatchObject([
    { conversation: 'bob@example.com', author: { address: 'bob@example.com' }, content: { text: 'hello' } },
  ]);
  expect(await send('bob@example.com', 'hello bob')).toMatchObject({ outcome: 'sent' });
  expect(neighbour.messages()).toMatchObject([{ uri: 'sip:bob@example.com' }]);
  expect(neighbour.heard.some(({ request }) => request.method === 'OPTIONS')).toBe(true);
});

it('says who asks what it takes: calls and what they offer, and what messages are made of', async () => {
  const neighbour = await Neighbour.start();
  const { port } = await trunk([peerAt(neighbour)]);
  const { status, headers } = await neighbour.say(port, { method: 'OPTIONS' });
  expect(status).toBe(200);
  expect(headers.tokens('allow')).toEqual(expect.arrayContaining(['INVITE', 'MESSAGE']));
  expect(headers.tokens('accept')).toEqual(
    expect.arrayContaining(['application/sdp', 'text/plain', 'message/cpim']),
  );
});

it('refuses whoever comes from another address, and whoever comes over another transport than is trusted', async () => {
  const neighbour = await Neighbour.start();
  const elsewhere = await trunk([peerAt(neighbour, { addresses: ['192.0.2.0/24'] })]);
  expect((await neighbour.say(elsewhere.port)).status).toBe(403);
  const overTcp = await trunk([
    { name: 'neighbour', transport: 'tcp', domains: ['*'], addresses: ['127.0.0.1'] },
  ]);
  expect((await neighbour.say(overTcp.port)).status).toBe(403);
  expect([...elsewhere.house.heard(), ...overTcp.house.heard()]).toEqual([]);
});

it('relays nothing: not to other domains, not by routes, not to addresses that are nobody’s', async () => {
  const neighbour = await Neighbour.start();
  const { port, house } = await trunk([peerAt(neighbour, { domains: ['*'] })]);
  const statusOf = async (saying: Saying): Promise<number> => (await neighbour.say(port, saying)).status;
  expect(await statusOf({ to: 'sip:carol@example.net' })).toBe(403);
  expect(await statusOf({ to: `sip:127.0.0.1:${String(neighbour.port)}` })).not.toBe(200);
  expect(
    await statusOf({
      headers: { route: `<sip:127.0.0.1:${String(neighbour.port)};lr>, <sip:example.net;lr>` },
    }),
  ).toBe(403);
  expect(await statusOf({ to: `sip:nobody@${domain}` })).toBe(404);
  expect(await statusOf({ to: `sip:carol%40example.net@${domain}` })).toBe(404);
  expect(await statusOf({ method: 'REGISTER', to: `sip:alice@${domain}` })).toBe(405);
  expect(house.heard()).toEqual([]);
  expect(neighbour.messages()).toEqual([]);
});

it('knows who is meant by servers that call it by where it is reached, if only one can be', async () => {
  const neighbour = await Neighbour.start();
  const settings = {
    domains: [domain, 'example.net'],
    listen: [{ transport: 'udp', host: '0.0.0.0', port: await freeSipPort() }],
    publicHost: 'trunk.example.org',
  };
  const port = settings.listen[0]?.port ?? 0;
  const { house, session } = await trunk([peerAt(neighbour)], { port, settings });
  const statusAt = async (to: string): Promise<number> => (await neighbour.say(port, { to })).status;
  const places = [`127.0.0.1:${String(port)};transport=udp`, 'trunk.example.org'];
  for (const at of places) expect(await statusAt(`sip:alice@${at}`)).toBe(200);
  // Neither another domain of ours nor somebody else's is such a place.
  for (const at of ['example.net', 'example.com']) expect(await statusAt(`sip:alice@${at}`)).toBe(404);
  expect(await statusAt(`sip:carol@trunk.example.org`)).toBe(404);
  expect(house.heard()).toHaveLength(2);
  session.attach({
    id: newId<'AccountId'>(),
    localAddress: 'alice@example.net',
    desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
  });
  expect(await statusAt('sip:alice@trunk.example.org')).toBe(404);
});

it('lets a peer speak for its own domains only, and nobody for ours', async () => {
  const neighbour = await Neighbour.start();
  const { port, house } = await trunk([peerAt(neighbour)]);
  expect((await neighbour.say(port, { from: 'sip:carol@example.net' })).status).toBe(403);
  expect((await neighbour.say(port, { from: `sip:alice@${domain}` })).status).toBe(403);
  const asserting = { 'p-asserted-identity': '<sip:carol@example.net>' };
  expect((await neighbour.say(port, { headers: asserting })).status).toBe(200);
  expect(house.heard().map(({ author }) => author.address)).toEqual(['bob@example.com']);
});

it('believes what a trusted peer asserts of who is speaking, but for those who want to be private, and asserts it in turn', async () => {
  const neighbour = await Neighbour.start();
  const { port, house, send } = await trunk([peerAt(neighbour, { identity: 'believe' })]);
  const from = 'sip:anonymous@example.com';
  const asserting = { 'p-asserted-identity': '"Bob" <sip:bob@example.com>' };
  expect((await neighbour.say(port, { from, headers: asserting })).status).toBe(200);
  expect((await neighbour.say(port, { from, headers: { ...asserting, privacy: 'id' } })).status).toBe(200);
  expect(house.heard().map(({ author }) => author.address)).toEqual([
    'bob@example.com',
    'anonymous@example.com',
  ]);
  // As RFC 3323 §4.1.1.3 has it: it is nobody's, so everybody may say it.
  const nobody = { from: 'sip:anonymous@anonymous.invalid', headers: { ...asserting, privacy: 'id' } };
  expect((await neighbour.say(port, nobody)).status).toBe(200);
  expect(house.heard().at(-1)?.author.address).toBe('anonymous@anonymous.invalid');
  await send('bob@example.com', 'it is me');
  expect(neighbour.messages()[0]?.headers.get('p-asserted-identity')).toBe(`<sip:alice@${domain}>`);
});

it('knows a peer by its password, once for each number that it signs with, and answers strangers only so often', async () => {
  const neighbour = await Neighbour.start(undefined, { t1: 10 });
  const password = randomBytes(9).toString('hex');
  const signing = { name: 'roaming', domains: ['example.com'], trust: 'password', user: 'roamer' };
  const { port, house } = await trunk([signing], { secrets: { 'peer:roaming': password } });
  expect((await neighbour.say(port)).status).toBe(401);
  const wrong = new Credentials({ user: 'roamer', password: 'wrong' });
  expect((await neighbour.say(port, { credentials: wrong })).status).toBe(401);
  const right = new Credentials({ user: 'roamer', password });
  const signed = await neighbour.ask(port, { credentials: right });
  expect(signed.response.status).toBe(200);
  expect((await neighbour.say(port, { credentials: right })).status).toBe(200);
  // Who has only seen the signature go by cannot use it again.
  const authorization = signed.request.headers.get('authorization') ?? '';
  expect(authorization).toContain('nc=00000001');
  expect((await neighbour.say(port, { headers: { authorization } })).status).toBe(401);
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => neighbour.say(port).catch(() => undefined)),
  );
  expect(answers.filter((answer) => answer !== undefined).length).toBeLessThan(30);
  expect(house.heard()).toHaveLength(2);
});

it.each([
  [undefined, ['MD5', 'SHA-256']],
  ['strong', ['SHA-256']],
])('asks for signatures as the settings want it (%s)', async (digest, algorithms) => {
  const neighbour = await Neighbour.start();
  const signing = { name: 'roaming', domains: ['example.com'], trust: 'password', user: 'roamer' };
  const secrets = { 'peer:roaming': randomBytes(9).toString('hex') };
  const { port } = await trunk([signing], { secrets, ...(digest !== undefined && { settings: { digest } }) });
  const asked = (await neighbour.say(port)).headers.all('www-authenticate');
  expect(asked.map((one) => /algorithm="?([\w-]+)/.exec(one)?.[1])).toEqual(algorithms);
});

it('asks who signs once for a dialog, and hears what is said within it', async () => {
  const neighbour: Neighbour = await Neighbour.start((incoming) => {
    const contact = `<sip:bob@127.0.0.1:${String(neighbour.port)}>`;
    incoming.respond(200, { headers: { contact, expires: '600' } });
  });
  const signing = { trust: 'password', addresses: [] };
  const secrets = { 'peer:neighbour': randomBytes(9).toString('hex') };
  const { port, house, session, account } = await trunk([peerAt(neighbour, signing)], { secrets });
  if (!can(session, 'has-contacts')) throw new Error('a trunk watches contacts');
  session.setContacts(account, [{ address: 'bob@example.com', groups: [] }]);
  const { request, tag } = await eventually('bob is watched', () =>
    neighbour.heard.find((one) => one.request.method === 'SUBSCRIBE'),
  );
  const { headers } = request;
  const notify = (to: string) =>
    neighbour.say(port, {
      method: 'NOTIFY',
      to: parseNameAddr(headers.get('contact') ?? '')?.uri ?? '',
      headers: {
        from: `<sip:bob@example.com>;tag=${tag}`,
        to,
        'call-id': headers.get('call-id') ?? '',
        event: 'presence',
        'subscription-state': 'active;expires=600',
        contact: `<sip:bob@127.0.0.1:${String(neighbour.port)}>`,
        'content-type': 'application/pidf+xml',
      },
      body:
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.com">' +
        '<tuple id="1"><status><basic>open</basic></status></tuple></presence>',
    });
  const self = headers.get('from') ?? '';
  expect((await notify(self.replace(/tag=.*/, 'tag=guessed'))).status).toBe(401);
  expect(house.presences.size).toBe(0);
  expect((await notify(self)).status).toBe(200);
  expect(house.presences.get('bob@example.com')?.presence).toBe('available');
});

it('takes no more from a peer than the settings say', async () => {
  const neighbour = await Neighbour.start();
  const { port, house } = await trunk([peerAt(neighbour, { rate: 3 })]);
  const answers = await Promise.all(Array.from({ length: 8 }, () => neighbour.say(port)));
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThanOrEqual(4);
  expect(refused.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true);
  expect(house.heard()).toHaveLength(answers.length - refused.length);
});

it('sends to nobody whom no peer reaches, and to an own domain least of all', async () => {
  const neighbour = await Neighbour.start();
  const { send } = await trunk([peerAt(neighbour)]);
  for (const to of ['carol@example.net', `dave@${domain}`]) {
    expect(await send(to, 'hello?')).toMatchObject({ outcome: 'refused', failure: { code: 'not-found' } });
  }
});

it('is up for nobody before a peer has answered', async () => {
  const slow = await Neighbour.start(() => undefined);
  const { house, session, account } = await trunk([peerAt(slow)], { online: false });
  const asked = await eventually('the peer is asked', () => slow.heard[0]);
  const late = newId<'AccountId'>();
  session.attach({
    id: late,
    localAddress: `carol@${domain}`,
    desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
  });
  await eventually('it is under way', () => house.stateOf(late)?.state === 'connecting');
  asked.respond(503);
  for (const one of [account, late])
    await eventually('it backs off', () => house.stateOf(one)?.state === 'backing-off');
  expect(house.states.map(({ state }) => state.state)).not.toContain('online');
});

it('says that a port is taken, and that no peer answers, and comes back by itself', async () => {
  const neighbour = await Neighbour.start();
  const first = await trunk([peerAt(neighbour)]);
  const second = await trunk([peerAt(neighbour)], { port: first.port, online: false });
  expect(
    await eventually('the conflict is told', () => {
      const state = second.house.stateOf();
      return state?.state === 'needs-person' ? state : undefined;
    }),
  ).toMatchObject({ code: 'resource-conflict' });
  let silent = true;
  const sullen = await Neighbour.start((incoming) => void incoming.respond(silent ? 503 : 200));
  const third = await trunk([peerAt(sullen)], { online: false });
  await eventually('it backs off', () => third.house.stateOf()?.state === 'backing-off');
  silent = false;
  await eventually('it is up', () => third.house.stateOf()?.state === 'online');
  silent = true;
  await eventually('it backs off again', () => third.house.stateOf()?.state === 'backing-off');
});

it('says that a peer does not take its password; a peer that wants none of it is there, whatever it answers', async () => {
  const challenger = new Challenger({ realm: 'example.com' });
  const asking = await Neighbour.start((incoming) => {
    incoming.respond(401, { headers: { 'www-authenticate': challenger.challenge() } });
  });
  const signing = await trunk([peerAt(asking)], { secrets: { 'peer:neighbour': 'wrong' }, online: false });
  const state = await eventually('it is told', () => {
    const now = signing.house.stateOf(signing.account);
    return now?.state === 'needs-person' ? now : undefined;
  });
  expect(state).toMatchObject({ code: 'auth-failed', detail: expect.stringContaining('neighbour') });
  expect((await trunk([peerAt(asking)])).house.stateOf()?.state).toBe('online');
});

it.each(['2001:DB8::1', '[2001:DB8::1]'])(
  'is answered at the address that it is said to have: %s',
  async (publicHost) => {
    const neighbour = await Neighbour.start();
    const { port } = await trunk([peerAt(neighbour)], { settings: { publicHost } });
    const asked = { method: 'SUBSCRIBE', headers: { contact: '<sip:bob@127.0.0.1>', event: 'presence' } };
    const contact = /<(.*)>/.exec((await neighbour.say(port, asked)).headers.get('contact') ?? '')?.[1] ?? '';
    expect(contact).toMatch(/@\[2001:DB8::1\]:\d+$/);
    expect((await neighbour.say(port, { to: contact })).status).toBe(200);
  },
);
