/* An account on a real server: in, heard and saying, and what goes wrong told as it is. */
import { expect, it } from '@jest/globals';
import { Rigs, type Rig } from '#connectors/sip/testing';
import { newId } from '#model';
import { describeWithPeers, eventually, Kamailio, kamailioPeers, type KamailioOptions } from '#peers';
import type { OutboundEnvelope, SendOutcome } from '#connector';

function envelopeOf({ account }: Rig, to: string, text: string): OutboundEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account,
    kind: 'message',
    to,
    conversationKind: 'direct',
    content: { text },
    attempt: 1,
  };
}

async function say(rig: Rig, to: string, text: string): Promise<SendOutcome> {
  return rig.session.send(envelopeOf(rig, to, text), new AbortController().signal);
}

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
    expect(await say(alice, bob.address, 'hello bob')).toMatchObject({ outcome: 'sent' });
    const [heard] = await eventually('bob hears alice', () =>
      bob.house.heard().length > 0 ? bob.house.heard() : undefined,
    );
    expect(heard).toMatchObject({
      conversation: alice.address,
      author: { address: alice.address },
      content: { text: 'hello bob' },
    });
    expect(await say(alice, `nobody@${server.domain}`, 'hello?')).toMatchObject({
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
    expect(await say(alice, alice.address, 'a note to myself')).toMatchObject({ outcome: 'sent' });
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
      });
      await alice.until('online');
      await server.kill();
      await alice.until('backing-off');
      await server.restart();
      await alice.until('online');
      server.pause();
      await alice.until('backing-off');
      expect(await say(alice, alice.address, 'not now')).toMatchObject({ outcome: 'later' });
      server.resume();
      await alice.until('online');
      expect(await say(alice, alice.address, 'now')).toMatchObject({ outcome: 'sent' });
    },
  );
});
