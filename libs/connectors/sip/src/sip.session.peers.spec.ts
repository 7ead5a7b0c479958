/* An account on a real server: in, heard and saying, and what goes wrong told as it is. */
import { expect, it } from '@jest/globals';
import { Rigs } from '#connectors/sip/testing';
import { describeWithPeers, eventually, Kamailio, kamailioPeers, type KamailioOptions } from '#peers';

async function kamailio(options: KamailioOptions = {}): Promise<Kamailio> {
  return Kamailio.start(options);
}

describeWithPeers('an account on Kamailio', kamailioPeers, () => {
  it.each(['udp', 'tcp'])('registers over %s, and two accounts talk', async (transport) => {
    await using server = await kamailio();
    await using rigs = new Rigs();
    const alice = await rigs.begin({ server, settings: { transport } });
    const bob = await rigs.begin({ server, user: 'bob', settings: { transport } });
    expect(await alice.until('online')).toEqual({ state: 'online', localAddress: alice.address });
    await bob.until('online');
    expect(await alice.send(bob.address, 'hello bob')).toMatchObject({ outcome: 'sent' });
    const [heard] = await eventually('bob hears alice', () =>
      bob.house.heard().length > 0 ? bob.house.heard() : undefined,
    );
    expect(heard).toMatchObject({
      conversation: alice.address,
      author: { address: alice.address },
      content: { text: 'hello bob' },
    });
    expect(await alice.send(`nobody@${server.domain}`, 'hello?')).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-found' },
    });
    await alice.session.close('asked');
    expect(await server.contactsOf(alice.address.split('@')[0] ?? '')).toEqual([]);
  });

  it('says once that a password is wrong, and waits for the person', async () => {
    await using server = await kamailio();
    await using rigs = new Rigs();
    const alice = await rigs.begin({ server, secrets: { password: 'wrong' } });
    expect(await alice.until('needs-person')).toMatchObject({ code: 'auth-failed' });
  });

  it('trusts only the authority that it is told to, for the domain of the account', async () => {
    await using server = await kamailio();
    await using rigs = new Rigs();
    const settings = { transport: 'tls', port: server.tlsPort };
    const stranger = await rigs.begin({ server, settings });
    expect(await stranger.until('needs-person')).toMatchObject({ code: 'tls-untrusted' });
    const alice = await rigs.begin({
      server,
      settings: { ...settings, caCertificate: server.authority.pem },
    });
    await alice.until('online');
    expect(await alice.send(alice.address, 'a note to myself')).toMatchObject({ outcome: 'sent' });
    await eventually('it comes back', () => alice.house.heard().length === 1);
  });

  it.each(['udp', 'tcp'])(
    'notices over %s that the server is gone or silent, and comes back by itself',
    async (transport) => {
      await using server = await kamailio();
      await using rigs = new Rigs();
      const alice = await rigs.begin({
        server,
        settings: { transport },
        timings: { register: 400, connect: 400 },
        timers: { pongMs: 300 },
      });
      await alice.until('online');
      await server.kill();
      await alice.until('backing-off');
      await server.restart();
      await alice.until('online');
      server.pause();
      await alice.until('backing-off');
      expect(await alice.send(alice.address, 'not now')).toMatchObject({ outcome: 'later' });
      server.resume();
      await alice.until('online');
      expect(await alice.send(alice.address, 'now')).toMatchObject({ outcome: 'sent' });
    },
  );
});
