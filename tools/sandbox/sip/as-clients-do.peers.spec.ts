/* The sandbox's SIP server with clients that share no line with it: SIPp, and a phone of plain sockets. */
import { expect, it } from '@jest/globals';
import { describeWithPeers, eventually, playSipp, SipPhone, sippPeers } from '#peers';
import { startSandboxSip } from '#sandbox';

const domain = 'sip.example.org';
const alice = `alice@${domain}`;
const bob = `bob@${domain}`;
const account = { user: 'alice', password: 'tulip' };

describeWithPeers('the sandbox with SIPp as its client', sippPeers, () => {
  it.each(['udp', 'tcp'] as const)(
    'registers it and takes its messages, signed, over %s',
    async (transport) => {
      await using sandbox = await startSandboxSip({ domain, accounts: [account], algorithms: ['MD5'] });
      const who = { to: sandbox, transport, as: account };
      const registered = await playSipp('register', { ...who, words: { user: 'alice', domain } });
      expect(registered).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
      const said = await playSipp('message-digest', {
        ...who,
        words: { from: alice, to: bob },
        fields: [['hello bob'], ['hello again']],
        calls: 2,
      });
      expect(said).toMatchObject({ succeeded: 2, failed: 0, complaints: '' });
      const heard = sandbox.resident('bob').heard();
      expect(heard.map(({ from, text }) => `${from}: ${text.trim()}`).toSorted()).toEqual([
        `${alice}: hello again`,
        `${alice}: hello bob`,
      ]);
    },
  );

  it('refuses its wrong password', async () => {
    await using sandbox = await startSandboxSip({ domain, accounts: [account], algorithms: ['MD5'] });
    const as = { ...account, password: 'rose' };
    const refused = await playSipp('register', { to: sandbox, as, words: { user: 'alice', domain } });
    expect(refused).toMatchObject({ succeeded: 0, failed: 1 });
    expect(refused.complaints).toContain('401 Unauthorized');
  });
});

it('serves a plain phone: words both ways, typing, receipts, presence, calls', async () => {
  await using sandbox = await startSandboxSip({ domain, accounts: [account], algorithms: ['MD5'] });
  const resident = sandbox.resident('bob');
  await using phone = await SipPhone.open({ port: sandbox.port, domain, ...account });
  await phone.say(bob, 'hello bob');
  expect(await resident.hearing('hello bob')).toMatchObject({ from: alice });
  phone.tellsDelivery = true;
  resident.say(alice, 'hello alice', { as: 'cpim' });
  await eventually('she hears it', () => phone.heard.some(({ text }) => text === 'hello alice'));
  await eventually('and says so', () => resident.receipts().some(({ status }) => status === 'delivered'));

  resident.types(alice, true);
  await eventually('she sees him write', () => phone.seesTyping(bob));
  phone.type(bob, true);
  await eventually('he sees her write', () => resident.seesTyping(alice));

  await phone.watch(bob);
  resident.show('away');
  await eventually('she sees him away', () => phone.sees(bob).pidf.includes('away'));
  resident.watch(alice);
  await phone.show('open', 'away');
  await eventually('he sees her away', () => resident.sees(alice)?.activities.includes('away') === true);

  phone.ring(bob);
  await eventually('his phone rings', () => resident.phone === 'ringing');
  resident.pickUp();
  await eventually('they speak', () => phone.phone === 'answered');
  resident.hangUp();
  await eventually('hers is down', () => phone.phone === 'idle');
  resident.ring(alice);
  await eventually('her phone rings', () => phone.phone === 'ringing');
  phone.pickUp();
  await eventually('they speak again', () => resident.phone === 'answered');
  phone.hangUp();
  await eventually('his is down', () => resident.phone === 'idle');
});
