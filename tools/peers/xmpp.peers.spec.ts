import { connect as connectTls } from 'node:tls';
import { expect, it } from '@jest/globals';
import { describeWithPeers, eventually } from './peer.js';
import { plainXmpp } from './xmpp-client.js';
import { visitXmpp, xmppFamilies } from './xmpp-suite.js';
import { child, textOf, type Tree } from './xmpp-tree.js';

const saying =
  (text: string, kind = 'message') =>
  (stanza: Tree): boolean =>
    stanza.name === kind && textOf(child(stanza, 'body')) === text;

for (const { name, peers, start } of xmppFamilies) {
  describeWithPeers(`${name}, as tests use it`, peers, () => {
    it('takes logins that talk, alone and in a room, across a restart', async () => {
      await using server = await start();
      await using alice = await visitXmpp(server, 'alice');
      await using bob = await visitXmpp(server, 'bob');
      expect(alice.bare).toBe('alice@chat.example.org');
      alice.say(bob.bare, 'hello <bob> & all, 日本語 👩‍👩‍👧‍👦');
      await bob.waitFor('a greeting', saying('hello <bob> & all, 日本語 👩‍👩‍👧‍👦'));
      const room = `lounge@${server.names.rooms}`;
      await alice.join(room, 'al');
      await bob.join(room, 'bo');
      bob.say(room, 'here I am');
      const heard = await alice.waitFor('what was said in the room', saying('here I am'));
      expect(heard.attrs['from']).toBe(`${room}/bo`);
      await server.restart();
      await eventually('the streams ended with it', () => alice.isClosed && bob.isClosed);
      await using again = await visitXmpp(server, 'alice');
      expect(again.bare).toBe(alice.bare);
    });

    it('refuses a wrong password, and presents its own certificate for its domain', async () => {
      await using server = await start();
      await server.createAccount('alice', 'right');
      const { domain } = server.names;
      const wrong = { port: server.ports.clients, domain, user: 'alice', password: 'wrong' };
      await expect(plainXmpp(wrong)).rejects.toThrow('may not sign in');
      const socket = connectTls({
        host: '127.0.0.1',
        port: server.ports.tls,
        servername: domain,
        ca: server.authority.pem,
      });
      await new Promise<void>((secured, fail) => {
        socket
          .once('secureConnect', () => {
            secured();
          })
          .once('error', fail);
      });
      expect(socket.authorized).toBe(true);
      socket.destroy();
    });

    it('says which services it has, and does without those it is told to', async () => {
      await using server = await start({ without: ['archive', 'carbons', 'upload'] });
      await using alice = await visitXmpp(server, 'alice');
      const info = '<query xmlns="http://jabber.org/protocol/disco#info"/>';
      const items = '<query xmlns="http://jabber.org/protocol/disco#items"/>';
      const own = await alice.ask('get', info, alice.bare);
      const domain = await alice.ask('get', info, server.names.domain);
      const features = [own, domain].flatMap(
        (answer) =>
          child(answer, 'query')?.children.flatMap((one) =>
            typeof one === 'string' ? [] : [one.attrs['var']],
          ) ?? [],
      );
      expect(features).not.toContain('urn:xmpp:mam:2');
      expect(features).not.toContain('urn:xmpp:carbons:2');
      const answer = await alice.ask('get', items, server.names.domain);
      const services = child(answer, 'query')?.children.map((one) =>
        typeof one === 'string' ? undefined : one.attrs['jid'],
      );
      expect(services).toContain(server.names.rooms);
      expect(services).not.toContain(server.names.upload);
    });
  });
}
