import { describe, expect, it } from '@jest/globals';
import { readPidf } from '#protocols/sip';
import { presenceFrom } from '../presence-states.js';
import { Scene, self, type Asked } from './presence.fixture.js';
import { Publisher } from './publisher.js';

const noteKey = 'sip.publication';

/** What a PUBLISH says; undefined where it has no document. */
function said({ request }: Asked): string | undefined {
  if (request.body.length === 0) return undefined;
  const pidf = readPidf(request.body);
  if ('fault' in pidf) throw new Error(pidf.fault);
  return presenceFrom(pidf, new Date()).presence;
}

async function publish(before?: Scene): Promise<{ readonly scene: Scene; readonly publisher: Publisher }> {
  const scene = new Scene(before);
  const publisher = new Publisher(scene.parts, { presence: 'available' });
  publisher.online();
  await scene.settle();
  return { scene, publisher };
}
const noted = async (scene: Scene) => scene.house.keyValues.read(scene.account, noteKey);

describe('our presence', () => {
  it('is published as a document of our own, and noted by the name that the server gives it', async () => {
    const { scene } = await publish();
    const first = scene.last('PUBLISH');
    expect(first.request.uri).toBe(`sip:${self}`);
    expect(first.header('event')).toBe('presence');
    expect(first.header('content-type')).toBe('application/pidf+xml');
    expect(first.header('sip-if-match')).toBeUndefined();
    expect(said(first)).toBe('available');
    await first.answer(200, { 'sip-etag': 'e1', expires: '600' });
    expect(await noted(scene)).toEqual({ tag: 'e1' });
  });

  it('is changed in its place', async () => {
    const { scene, publisher } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    publisher.setPresence({ presence: 'busy' });
    await scene.settle();
    const change = scene.last('PUBLISH');
    expect(change.header('sip-if-match')).toBe('e1');
    expect(said(change)).toBe('busy');
    await change.answer(200, { 'sip-etag': 'e2', expires: '600' });
    expect(await noted(scene)).toEqual({ tag: 'e2' });
  });

  it('is told once where nothing has changed, and as it is last where much has', async () => {
    const { scene, publisher } = await publish();
    publisher.setPresence({ presence: 'away' });
    publisher.setPresence({ presence: 'busy' });
    await scene.settle();
    expect(scene.count('PUBLISH')).toBe(1);
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    expect(scene.count('PUBLISH')).toBe(2);
    expect(said(scene.last('PUBLISH'))).toBe('busy');
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e2', expires: '600' });
    publisher.setPresence({ presence: 'busy' });
    await scene.settle();
    expect(scene.count('PUBLISH')).toBe(2);
  });

  it('is said again before it expires, for servers that would forget what is only refreshed', async () => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    await scene.pass(560_000);
    const refresh = scene.last('PUBLISH');
    expect(scene.count('PUBLISH')).toBe(2);
    expect(refresh.header('sip-if-match')).toBe('e1');
    expect(refresh.header('content-type')).toBe('application/pidf+xml');
    expect(said(refresh)).toBe('available');
    await refresh.answer(200, { 'sip-etag': 'e2', expires: '600' });
    await scene.pass(560_000);
    expect(scene.last('PUBLISH').header('sip-if-match')).toBe('e2');
  });

  it('is published anew where the server has forgotten it', async () => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    await scene.pass(560_000);
    await scene.last('PUBLISH').answer(412);
    const anew = scene.last('PUBLISH');
    expect(anew.header('sip-if-match')).toBeUndefined();
    expect(said(anew)).toBe('available');
    await anew.answer(412);
    expect(scene.count('PUBLISH')).toBe(3);
  });

  it('is changed and not doubled after a restart that came without a farewell', async () => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    const after = await publish(scene);
    const first = after.scene.last('PUBLISH');
    expect(first.header('sip-if-match')).toBe('e1');
    expect(said(first)).toBe('available');
  });

  it('is published at once on the next way where nobody answered on the last', async () => {
    const { scene, publisher } = await publish();
    publisher.offline();
    publisher.online();
    await scene.settle();
    expect(scene.count('PUBLISH')).toBe(2);
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    expect(await noted(scene)).toEqual({ tag: 'e1' });
  });

  it('is taken away with a farewell', async () => {
    const { scene, publisher } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    const left = publisher.leave();
    await scene.settle();
    const removal = scene.last('PUBLISH');
    expect(removal.header('sip-if-match')).toBe('e1');
    expect(removal.header('expires')).toBe('0');
    expect(said(removal)).toBeUndefined();
    await removal.answer(200);
    await left;
    expect(await noted(scene)).toBeUndefined();
    await scene.pass(10_000_000);
    expect(scene.count('PUBLISH')).toBe(2);
  });

  it('is still known by its name where nobody answers the farewell', async () => {
    const { scene, publisher } = await publish();
    await scene.last('PUBLISH').answer(200, { 'sip-etag': 'e1', expires: '600' });
    const left = publisher.leave();
    await scene.settle();
    await scene.last('PUBLISH').fail();
    await left;
    expect(await noted(scene)).toEqual({ tag: 'e1' });
  });

  it('lasts as long as the server wants it to at least', async () => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(423, { 'min-expires': '1800' });
    expect(scene.last('PUBLISH').header('expires')).toBe('1800');
  });

  it.each([489, 405, 501, 404])('is not pressed on a server that keeps none (%d)', async (status) => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(status);
    await scene.pass(10_000_000);
    expect(scene.count('PUBLISH')).toBe(1);
  });

  it('is tried again where it fails, when the server says and less and less often', async () => {
    const { scene } = await publish();
    await scene.last('PUBLISH').answer(503, { 'retry-after': '100' });
    await scene.pass(99_000);
    expect(scene.count('PUBLISH')).toBe(1);
    await scene.pass(1_000);
    expect(scene.count('PUBLISH')).toBe(2);
    await scene.last('PUBLISH').fail();
    await scene.pass(5_000);
    expect(scene.count('PUBLISH')).toBe(3);
  });
});
