/* The SMPP driver against an SMSC that is not ours. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ownNumber, Rig } from '#connectors/sms/testing';
import { describeWithPeers, eventually, perlSmscPeers, PerlSmsc } from '#peers';

const alice = '+12025550111';
const bob = '+12025550122';

describeWithPeers('SMPP on an SMSC in Perl', perlSmscPeers, () => {
  let smsc: PerlSmsc;
  beforeAll(async () => {
    smsc = await PerlSmsc.start({ ids: 'hex', receipts: 'after', fail: '99', refuse: '88' });
  });
  afterAll(async () => {
    await smsc[Symbol.asyncDispose]();
  });

  async function rigged(options?: ConstructorParameters<typeof Rig>[1]): Promise<Rig> {
    const rig = await Rig.online(smsc, options);
    await smsc.route(ownNumber, rig.systemId);
    return rig;
  }
  const heardBy = (number: string): readonly string[] =>
    smsc.heard.filter(({ to }) => to === number).map(({ text }) => text);

  it('carries texts of every kind whole, in as few parts as they need', async () => {
    await using rig = await rigged();
    const texts = ['plain {€} é', 'naïve 👩‍👩‍👧‍👦 שלום', `${'long text '.repeat(40)}end`, `${'👍🏽'.repeat(50)}!`];
    const parts = [];
    for (const text of texts) {
      const { outcome } = await rig.say(alice, text);
      parts.push(outcome.outcome === 'sent' ? outcome.parts.length : outcome);
    }
    expect(parts).toEqual([1, 1, 3, 4]);
    await eventually('she has heard all', () => heardBy(alice).length === texts.length);
    expect(heardBy(alice)).toEqual(texts);
  });

  it('tells of each part by receipts, whose ids are written otherwise than the answers', async () => {
    await using rig = await rigged();
    const arrived = await rig.say(bob, 'x'.repeat(200));
    await rig.receiptOf(arrived.outcome, 'delivered', 0);
    await rig.receiptOf(arrived.outcome, 'delivered', 1);
    const failed = await rig.say('+12025550199', 'hello');
    expect(await rig.receiptOf(failed.outcome, 'failed')).toMatchObject({ failure: { remedy: 'give-up' } });
    const refused = await rig.say('+12025550188', 'hello');
    expect(refused.outcome).toMatchObject({ outcome: 'refused' });
  });

  it('slows down where it is asked to, and sends everything once', async () => {
    await using rig = await rigged({ smpp: { window: 50 } });
    await smsc.set('throttle', 7);
    try {
      const texts = Array.from({ length: 30 }, (_, index) => `paced ${String(index)}`);
      const outcomes = await Promise.all(texts.map((text) => rig.say('+12025550133', text)));
      expect(outcomes.map(({ outcome }) => outcome.outcome)).toEqual(texts.map(() => 'sent'));
      await eventually('all have arrived', () => heardBy('+12025550133').length >= texts.length);
      expect([...heardBy('+12025550133')].sort()).toEqual([...texts].sort());
    } finally {
      await smsc.set('throttle', 0);
    }
  });

  it('lets no more through to a place than its rate, and everything in the end', async () => {
    await using rig = await rigged({ settings: { rates: [{ to: '+1202555014', perSecond: 2 }] } });
    const began = performance.now();
    const texts = ['one', 'two', 'three', 'four'];
    await Promise.all(texts.map((text) => rig.say('+12025550144', text)));
    // Two at once, then one each half second.
    expect(performance.now() - began).toBeGreaterThan(900);
    await eventually('all have arrived', () => heardBy('+12025550144').length === texts.length);
  });

  it('hears texts from phones, whole and in parts of every kind, in any order and doubled', async () => {
    await using rig = await rigged();
    const long = `${'é👍'.repeat(60)} end`;
    await smsc.say({ from: alice, to: ownNumber, text: 'short' });
    await smsc.say({ from: alice, to: ownNumber, text: long, as: 'udh8', order: [2, 1, 2, 3, 3] });
    await smsc.say({ from: bob, to: ownNumber, text: long, as: 'udh16' });
    await smsc.say({ from: bob, to: ownNumber, text: `${long} sar`, as: 'sar' });
    await smsc.say({ from: bob, to: ownNumber, text: `${long} payload`, as: 'payload' });
    await eventually('all are here', () => rig.heard().length >= 5);
    const said = (from: string) =>
      rig.heard().flatMap(({ author, content }) => (author.address === from ? [content.text] : []));
    expect(said(alice)).toEqual(['short', long]);
    expect(said(bob)).toEqual([long, `${long} sar`, `${long} payload`]);
    expect(rig.heard()[0]).toMatchObject({
      conversation: `${alice}/${ownNumber}`,
      conversationKind: 'direct',
      author: { address: alice, kind: 'reassignable' },
    });
  });

  it('joins a text whose parts came before and after a restart of ours', async () => {
    const text = `${'restart '.repeat(40)}end`;
    const before = await rigged();
    await smsc.say({ from: bob, to: ownNumber, text, order: [3, 1], reference: 77 });
    await eventually('two parts are kept', () =>
      [...before.house.storage.keyValues.keys()].some((key) => key.includes('parts')),
    );
    await before.session.close('fenced');
    await using after = await rigged({ after: before });
    await smsc.say({ from: bob, to: ownNumber, text, order: [2], reference: 77 });
    await eventually('it is whole', () => after.heard().some(({ content }) => content.text === text));
  });

  it('is refused where the password is wrong, once, and says so', async () => {
    const rig = new Rig({ port: smsc.port, password: 'wrong' });
    await eventually('a person is needed', () => rig.house.stateOf()?.state === 'needs-person');
    expect(rig.house.stateOf()).toMatchObject({ code: 'auth-failed', remedy: 'ask-person' });
    await rig.session.close('asked');
  });

  it('leaves what was on its way unknown when the line is cut, and comes back by itself', async () => {
    await using rig = await rigged();
    smsc.pause();
    const underWay = rig.say(alice, 'under way');
    await new Promise((turn) => setImmediate(turn));
    smsc.resume();
    await smsc.cut(rig.systemId);
    expect((await underWay).outcome.outcome).toMatch(/^(sent|unknown)$/);
    await eventually(
      'it is online again',
      () => rig.house.states.filter(({ state }) => state.state === 'online').length > 1,
    );
    expect((await rig.say(alice, 'again')).outcome.outcome).toBe('sent');
  });
});
