/* What is said to us is answered when it is stored, and not otherwise. */
import { expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { Neighbour, peerAt, trunk, type Trunk } from './trunk.fixture.js';

async function joined(): Promise<{ readonly neighbour: Neighbour; readonly ours: Trunk }> {
  const neighbour = await Neighbour.start();
  return { neighbour, ours: await trunk([peerAt(neighbour)]) };
}

it('answers no message before it is stored', async () => {
  const { neighbour, ours } = await joined();
  ours.house.storage.withhold();
  let answered = false;
  const answer = neighbour.say(ours.port).finally(() => (answered = true));
  await eventually('it is offered', () => ours.house.storage.outstanding === 1);
  expect(answered).toBe(false);
  ours.house.storage.release();
  expect((await answer).status).toBe(200);
});

it('asks by the deadline to come again with what cannot be stored, and keeps nothing of it', async () => {
  const { neighbour, ours } = await joined();
  ours.house.storage.withhold();
  const refused = await neighbour.say(ours.port);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  ours.house.storage.release();
  expect((await neighbour.say(ours.port)).status).toBe(200);
  expect(ours.house.heard()).toHaveLength(1);
});

it('finds out whether it is stored what nobody could say of, and then answers', async () => {
  const { neighbour, ours } = await joined();
  ours.house.storage.failNext({ fault: 'in-doubt', kept: true });
  expect((await neighbour.say(ours.port)).status).toBe(200);
  expect(ours.house.heard()).toHaveLength(1);
});

it('takes once what comes over two ways, and twice what was said twice', async () => {
  const { neighbour, ours } = await joined();
  const headers = { 'call-id': 'the-same', from: '<sip:bob@example.com>;tag=the-same' };
  expect((await neighbour.say(ours.port, { headers })).status).toBe(200);
  expect((await neighbour.say(ours.port, { headers })).status).toBe(200);
  expect(ours.house.heard()).toHaveLength(1);
  const another = { ...headers, from: '<sip:bob@example.com>;tag=another' };
  expect((await neighbour.say(ours.port, { headers: another })).status).toBe(200);
  expect(ours.house.heard()).toHaveLength(2);
});

it.each([
  ['what it cannot read', { 'content-type': 'application/octet-stream' }, 415],
  ['what is compressed in a way that nobody knows', { 'content-encoding': 'brotli' }, 415],
  ['what is not what it says', { 'content-encoding': 'deflate' }, 400],
])('says of %s that it does not take it', async (_, headers, status) => {
  const { neighbour, ours } = await joined();
  const answer = await neighbour.say(ours.port, { headers });
  expect(answer.status).toBe(status);
  expect(ours.house.heard()).toEqual([]);
});

it('passes on what became of a message, as the answer says it', async () => {
  const answers: Record<string, (number | Record<string, string>)[]> = {
    sent: [200, 202],
    refused: [404, 403, 480, 486, 603, 415, 413],
    later: [503, 500],
    unknown: [408, 504],
  };
  for (const [outcome, statuses] of Object.entries(answers)) {
    for (const status of statuses) {
      const neighbour = await Neighbour.start((incoming) => {
        void incoming.respond(incoming.request.method === 'OPTIONS' ? 200 : Number(status));
      });
      const ours = await trunk([peerAt(neighbour)]);
      expect([status, (await ours.send('bob@example.com', 'hello')).outcome]).toEqual([status, outcome]);
    }
  }
});

it('goes where it is sent on to, and not for ever', async () => {
  const neighbour = await Neighbour.start((incoming) => {
    const { method, uri } = incoming.request;
    const contact = /bob@/.test(uri) ? '<sip:bob2@example.net>' : `<${uri}0>`;
    if (method === 'OPTIONS' || uri === 'sip:bob2@example.net') incoming.respond(200);
    else incoming.respond(302, { headers: { contact } });
  });
  const ours = await trunk([peerAt(neighbour)]);
  expect(await ours.send('bob@example.com', 'hello')).toMatchObject({ outcome: 'sent' });
  const said = neighbour.messages();
  expect(said.map(({ uri }) => uri)).toEqual(['sip:bob@example.com', 'sip:bob2@example.net']);
  expect(said.map(({ headers }) => headers.get('cseq'))).toEqual(['1 MESSAGE', '2 MESSAGE']);
  expect(new Set(said.map(({ headers }) => headers.get('call-id'))).size).toBe(1);
  expect(await ours.send('carol@example.com', 'hello')).toMatchObject({ outcome: 'refused' });
  expect(neighbour.messages()).toHaveLength(2 + 1 + 5);
});

it('waits as long as it is told to', async () => {
  const neighbour = await Neighbour.start((incoming) => {
    if (incoming.request.method === 'OPTIONS') incoming.respond(200);
    else incoming.respond(503, { headers: { 'retry-after': '17 (in a meeting)' } });
  });
  const ours = await trunk([peerAt(neighbour)]);
  expect(await ours.send('bob@example.com', 'hello')).toMatchObject({
    outcome: 'later',
    retryAfterMs: 17_000,
  });
});

it('says to whom cannot read wishes for receipts the plain text, and from then on at once', async () => {
  const neighbour = await Neighbour.start((incoming) => {
    const type = incoming.request.headers.get('content-type') ?? '';
    incoming.respond(type.startsWith('message/cpim') ? 415 : 200);
  });
  const ours = await trunk([peerAt(neighbour)]);
  expect(await ours.send('bob@example.com', 'one')).toMatchObject({ outcome: 'sent' });
  expect(await ours.send('bob@example.com', 'two')).toMatchObject({ outcome: 'sent' });
  expect(neighbour.messages().map(({ headers }) => headers.get('content-type')?.split(';')[0])).toEqual([
    'message/cpim',
    'text/plain',
    'text/plain',
  ]);
});

it('says plain text to who takes wishes for receipts and speaks without ever telling, until they tell', async () => {
  const { neighbour, ours } = await joined();
  await ours.send('bob@example.com', 'one');
  ours.house.clock.now = () => Date.now() + 60_000;
  await neighbour.say(ours.port);
  await ours.send('bob@example.com', 'two');
  const body =
    '<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>one</message-id><datetime>2026-01-01T00:00:00Z</datetime>' +
    '<delivery-notification><status><delivered/></status></delivery-notification></imdn>';
  await neighbour.say(ours.port, { headers: { 'content-type': 'message/imdn+xml' }, body });
  await ours.send('bob@example.com', 'three');
  expect(neighbour.messages().map(({ headers }) => headers.get('content-type')?.split(';')[0])).toEqual([
    'message/cpim',
    'text/plain',
    'message/cpim',
  ]);
});

it('says plain text to who says that they take it, and does not say that they take more', async () => {
  const { neighbour, ours } = await joined();
  const accepts = { bob: 'text/plain, application/im-iscomposing+xml', carol: 'text/plain;q=0.5, */*' };
  for (const [who, accept] of Object.entries(accepts)) {
    await neighbour.say(ours.port, { from: `sip:${who}@example.com`, headers: { accept } });
    await ours.send(`${who}@example.com`, 'hello');
  }
  expect(neighbour.messages().map(({ headers }) => headers.get('content-type')?.split(';')[0])).toEqual([
    'text/plain',
    'message/cpim',
  ]);
});

it('says the plain text as another request of the same call, for who still holds the one that was refused', async () => {
  const taken = new Set<string>();
  const neighbour = await Neighbour.start((incoming) => {
    const { headers } = incoming.request;
    const id = ['call-id', 'from', 'cseq'].map((name) => headers.get(name)).join();
    const isMerged = taken.has(id);
    taken.add(id);
    const isCpim = headers.get('content-type')?.startsWith('message/cpim') === true;
    incoming.respond(isMerged ? 482 : isCpim ? 415 : 200);
  });
  const ours = await trunk([peerAt(neighbour)]);
  expect(await ours.send('bob@example.com', 'one')).toMatchObject({ outcome: 'sent' });
  const said = neighbour.messages().map(({ headers }) => [headers.get('call-id'), headers.get('cseq')]);
  expect(said).toEqual([
    [said[0]?.[0], '1 MESSAGE'],
    [said[0]?.[0], '2 MESSAGE'],
  ]);
});
