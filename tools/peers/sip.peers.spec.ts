import { connect } from 'node:tls';
import { expect, it } from '@jest/globals';
import { Kamailio, kamailioDomain, kamailioPeers, type KamailioOptions } from './kamailio.js';
import { describeWithPeers, eventually } from './peer.js';
import { SipPhone } from './sip-phone.js';
import { playSipp, Sipp, sippPeers } from './sipp.js';

const [alice, bob] = ['alice', 'bob'].map((user) => `${user}@${kamailioDomain}`) as [string, string];
const password = "alice's own";

async function withAlice(options: KamailioOptions = {}): Promise<Kamailio> {
  const kamailio = await Kamailio.start(options);
  await kamailio.createAccount('alice', password);
  return kamailio;
}

describeWithPeers('Kamailio and SIPp, as tests use them', [...kamailioPeers, ...sippPeers], () => {
  it.each(['udp', 'tcp'] as const)(
    'registers a user over %s, who is found until a restart',
    async (transport) => {
      await using kamailio = await withAlice();
      const registered = await playSipp('register', {
        to: kamailio,
        transport,
        words: { user: 'alice', domain: kamailioDomain },
        as: { user: 'alice', password },
      });
      expect(registered).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
      expect(await kamailio.contactsOf('alice')).toEqual([expect.stringContaining('sip:alice@127.0.0.1')]);
      await kamailio.restart();
      expect(await kamailio.contactsOf('alice')).toEqual([]);
    },
  );

  it('refuses a wrong password', async () => {
    await using kamailio = await withAlice();
    const refused = await playSipp('register', {
      to: kamailio,
      words: { user: 'alice', domain: kamailioDomain },
      as: { user: 'alice', password: 'wrong' },
    });
    expect(refused).toMatchObject({ succeeded: 0, failed: 1 });
    expect(refused.complaints).toContain('401 Unauthorized');
  });

  it('takes a text with a digest, and carries it to the port that its address names', async () => {
    await using kamailio = await withAlice();
    await using phone = await Sipp.start('answer-messages', { words: { answer: '202 Accepted' } });
    const to = `peer${String(phone.port)}@${kamailioDomain}`;
    const sent = await playSipp('message-digest', {
      to: kamailio,
      words: { from: alice, to },
      fields: [['hello there']],
      as: { user: 'alice', password },
    });
    expect(sent).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
    const heard = await phone.ended();
    expect(heard).toMatchObject({ succeeded: 1, failed: 0 });
    expect(heard.messages).toContain('hello there');
  });

  it('carries many texts without asking, survives SIGKILL, and is heard again after a pause', async () => {
    await using kamailio = await withAlice({ asksForMessages: false });
    await using phone = await Sipp.start('answer-messages', {
      calls: 'any',
      words: { answer: '200 OK' },
    });
    const to = `peer${String(phone.port)}@${kamailioDomain}`;
    const send = (texts: readonly string[]) =>
      Sipp.start('message', {
        to: kamailio,
        words: { from: alice, to },
        fields: texts.map((text) => [text]),
        calls: texts.length,
        rate: 500,
      });
    await using first = await send(Array.from({ length: 100 }, (_, index) => `text ${String(index)}`));
    expect(await first.ended()).toMatchObject({ succeeded: 100, failed: 0 });
    await kamailio.kill();
    await kamailio.start();
    kamailio.pause();
    await using second = await send(['after the kill']);
    await eventually(
      'it has asked again',
      async () => (await second.messages()).split('MESSAGE sip').length > 2,
    );
    kamailio.resume();
    const outcome = await second.ended();
    expect(outcome).toMatchObject({ succeeded: 1, failed: 0 });
    expect(outcome.retransmissions).toBeGreaterThan(0);
    expect((await phone.stop()).messages).toContain('after the kill');
  });

  it('asks for the other hash where it is told to', async () => {
    await using kamailio = await withAlice({ algorithm: 'SHA-256' });
    const asked = await playSipp('register', {
      to: kamailio,
      words: { user: 'alice', domain: kamailioDomain },
      as: { user: 'alice', password },
    });
    expect(asked.messages).toMatch(/WWW-Authenticate: Digest .*algorithm=SHA-256/);
  });

  it('is who its certificate says, over TLS', async () => {
    await using kamailio = await withAlice();
    const socket = connect({
      host: kamailio.host,
      port: kamailio.tlsPort,
      ca: kamailio.authority.pem,
      servername: kamailioDomain,
    });
    await new Promise((secure, fail) => socket.once('secureConnect', secure).once('error', fail));
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('shows presence to whom its user has admitted', async () => {
    await using kamailio = await withAlice({ watchers: 'admitted' });
    await kamailio.createAccount('bob', password);
    await using watcher = await Sipp.start('watch', {
      to: kamailio,
      words: { from: bob, to: alice },
      as: { user: 'bob', password },
    });
    const isPending = async (): Promise<boolean> => (await watcher.messages()).includes('NOTIFY');
    await eventually('the watcher waits', isPending);
    await kamailio.admit('alice', [bob]);
    expect(await watcher.ended()).toMatchObject({ succeeded: 1, failed: 0, complaints: '' });
  });
});

describeWithPeers('a plain phone on Kamailio', kamailioPeers, () => {
  it('talks, says that it types, is seen and rings', async () => {
    await using kamailio = await Kamailio.start({ algorithm: 'SHA-256' });
    const phone = async (user: string): Promise<SipPhone> => {
      await kamailio.createAccount(user, password);
      return SipPhone.open({ port: kamailio.port, domain: kamailioDomain, user, password });
    };
    await using one = await phone('alice');
    await using other = await phone('bob');
    await one.say(bob, 'hello 日本語');
    expect(other.heard).toMatchObject([{ from: alice, text: 'hello 日本語', type: 'text/plain' }]);
    one.type(bob, true);
    await eventually('it is seen to type', () => other.seesTyping(alice));
    await one.watch(bob);
    await other.show('open', 'away');
    await eventually('presence is seen', () => one.sees(bob).pidf.includes('away'));
    one.ring(bob);
    await eventually('it rings', () => other.phone === 'ringing');
    one.hangUp();
    await eventually('it rings no more', () => other.phone === 'idle');
    one.ring(bob);
    await eventually('it rings again', () => other.phone === 'ringing');
    other.pickUp();
    await eventually('they speak', () => one.phone === 'answered');
    other.hangUp();
    await eventually('they are done', () => one.phone === 'idle');
    one.ring(bob);
    await eventually('it rings once more', () => other.phone === 'ringing');
    other.hangUp();
    await eventually('it is declined', () => one.phone === 'idle');
  });
});
