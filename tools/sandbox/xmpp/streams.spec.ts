/* Streams that are counted, cut and gone on with (XEP-0198), and everything that can be done to one. */
import { describe, expect, it } from '@jest/globals';
import {
  deep,
  nasties,
  oversized,
  startSandboxXmpp,
  type Nasty,
  type SandboxXmpp,
  type SandboxXmppOptions,
} from '#sandbox';
import { RawXmpp } from './raw-client.fixture.js';
import { until } from '../until.js';

const accounts = [
  { name: 'alice', password: 'tulip' },
  { name: 'bob', password: 'rose' },
];

async function using(
  options: SandboxXmppOptions,
  test: (sandbox: SandboxXmpp, alice: RawXmpp) => Promise<void>,
): Promise<void> {
  await using sandbox = await startSandboxXmpp({ accounts, ...options });
  await using alice = await come(sandbox);
  await test(sandbox, alice);
}

/** Alice on a connection, signed in. */
async function come({ port, domain }: SandboxXmpp): Promise<RawXmpp> {
  return new RawXmpp(port, domain).signIn('alice', 'tulip');
}

const sm = "xmlns='urn:xmpp:sm:3'";
const ping = (id: string): string => `<iq type='get' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`;

describe('a stream that is counted', () => {
  it('is acknowledged to the stanza, both ways', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk', true);
      alice.send('<presence/>', ping('a'), ping('b'));
      expect((await alice.ask(`<r ${sm}/>`, /<a [^>]*h='(\d+)'/))[1]).toBe('3');
      const hers = await sandbox.client('alice');
      await alice.waitFor(/<r /);
      expect(hers.unacknowledged).toBe(3);
      alice.send(`<a ${sm} h='2'/>`);
      await until('two are acknowledged', () => hers.unacknowledged === 1 || undefined);
    });
  });

  it('goes on over another connection with what was not acknowledged, and no more', async () => {
    await using({}, async (sandbox, alice) => {
      const id = await alice.bind('desk', true);
      alice.send('<presence/>');
      await alice.waitFor(/<presence /);
      const bob = sandbox.observer('bob');
      for (const words of ['one', 'two', 'three']) bob.say('alice@xmpp.sandbox', words);
      await alice.waitFor(/three/);
      // She has heard her presence and the first.
      alice.cut();
      await until('the cut is noticed', () => sandbox.clients[0]?.isClosed === true || undefined);
      bob.say('alice@xmpp.sandbox', 'four');
      await using again = await come(sandbox);
      const [, h] = await again.ask(`<resume ${sm} previd='${id}' h='2'/>`, /<resumed [^>]*h='(\d+)'/);
      expect(h).toBe('1');
      await again.waitFor(/four/);
      expect(again.text.match(/<body>[^<]+/g)).toEqual(['<body>two', '<body>three', '<body>four']);
      expect(sandbox.sessions('alice')).toBe(1);
    });
  });

  it('takes over from a connection that is still there, and tells it', async () => {
    await using({}, async (sandbox, alice) => {
      const id = await alice.bind('desk', true);
      await using again = await come(sandbox);
      await again.ask(`<resume ${sm} previd='${id}' h='0'/>`, /<resumed /);
      await alice.waitFor(/<stream:error><conflict /);
      expect((await again.ask(ping('x'), /<iq [^>]*id='x'/))[0]).toContain("type='result'");
    });
  });

  it('is over when nobody comes back in time, and what was left is kept for later', async () => {
    await using({ resumableMs: 40 }, async (sandbox, alice) => {
      const id = await alice.bind('desk', true);
      alice.send('<presence/>');
      await alice.waitFor(/<presence /);
      alice.cut();
      const bob = sandbox.observer('bob');
      await until('the cut is noticed', () => sandbox.clients[0]?.isClosed === true || undefined);
      bob.say('alice@xmpp.sandbox', 'too late');
      await until('it is over', () => sandbox.sessions('alice') === 0 || undefined);
      await using again = await come(sandbox);
      await again.ask(`<resume ${sm} previd='${id}' h='1'/>`, /<failed [^>]*><item-not-found /);
      await again.bind('desk');
      again.send('<presence/>');
      const [late] = await again.waitFor(/<message.*too late.*<\/message>/);
      expect(late).toMatch(/<delay xmlns='urn:xmpp:delay' stamp='[^']+' from='xmpp.sandbox'\/>/);
    });
  });

  it('ends when more is said to be handled than was sent', async () => {
    await using({}, async (_, alice) => {
      await alice.bind('desk', true);
      await alice.ask(`<a ${sm} h='99'/>`, /<stream:error><undefined-condition /);
      await alice.gone();
    });
  });

  it('is not resumed, lied about or not acknowledged, as it is told', async () => {
    await using({}, async (sandbox, alice) => {
      const id = await alice.bind('desk', true);
      sandbox.misbehave({ lieAboutHandled: (handled) => handled + 7 });
      expect((await alice.ask(`<r ${sm}/>`, /<a [^>]*h='(\d+)'/))[1]).toBe('7');
      sandbox.misbehave({ stallAcks: true });
      const after = alice.mark;
      await alice.ask(`<r ${sm}/>${ping('p')}`, /id='p'/);
      expect(alice.text.slice(after)).not.toContain('<a ');
      sandbox.misbehave({ refuseResume: true });
      await using again = await come(sandbox);
      await again.ask(`<resume ${sm} previd='${id}' h='0'/>`, /<failed /);
      sandbox.withdraw('stream-management');
      await using late = new RawXmpp(sandbox.port, sandbox.domain);
      await late.signIn('alice', 'tulip');
      expect(late.text).not.toContain('urn:xmpp:sm');
    });
  });
});

describe('a connection', () => {
  it('is cut at once, or ended with any error', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk');
      (await sandbox.client('alice')).cut();
      await alice.gone();
      expect(alice.text).not.toContain('error');
      for (const condition of ['system-shutdown', 'conflict', 'policy-violation', 'resource-constraint']) {
        await using again = await come(sandbox);
        await again.bind('desk');
        (await sandbox.client('alice')).end(condition, 'because');
        expect((await again.waitFor(/<stream:error>.*/))[0]).toMatch(
          new RegExp(
            `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text [^>]*>because</text></stream:error>`,
          ),
        );
        await again.gone();
      }
    });
  });

  it('stays open with nobody reading or answering, and then all that was said is heard, or nothing of it', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk');
      const hers = await sandbox.client('alice');
      const bob = sandbox.observer('bob');
      hers.halfOpen();
      alice.send(ping('late'));
      bob.send({
        name: 'message',
        attrs: { xmlns: 'jabber:client', to: 'alice@xmpp.sandbox/desk' },
        children: [],
      });
      hers.usual();
      await alice.waitFor(/id='late'/);
      hers.swallow();
      const heard = hers.stanzas.length;
      alice.send(ping('lost'));
      hers.say('<message/>');
      await using second = await come(sandbox);
      await second.bind('phone');
      await second.ask(ping('other'), /id='other'/);
      hers.usual();
      await alice.ask(ping('found'), /id='found'/);
      expect(hers.stanzas.length).toBe(heard + 1);
      expect(alice.text).not.toContain('lost');
    });
  });

  it('gets its bytes one by one, or slowly', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk');
      const hers = await sandbox.client('alice');
      hers.splitEveryByte();
      hers.say('<message><body>größe 💬</body></message>');
      await alice.waitFor(/größe 💬/);
      hers.slow(1_000);
      const begun = Date.now();
      hers.say(`<message><body>${'x'.repeat(200)} end</body></message>`);
      await alice.waitFor(/ end</);
      expect(Date.now() - begun).toBeGreaterThan(100);
    });
  });

  it('is told anything, whatever it does to an honest client', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk');
      const hers = await sandbox.client('alice');
      for (const what of Object.keys(nasties) as Nasty[]) hers.nasty(what);
      hers.say(oversized(300) + deep(30));
      hers.write(Buffer.from([0xff]));
      await alice.waitFor(/x{300}/);
      expect(alice.text).toContain(nasties.doctype);
    });
  });

  it('is answered by the test itself where that wants to', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk', true);
      sandbox.intercept((stanza, client) => {
        if (!stanza.includes('urn:xmpp:ping')) return false;
        client.say("<iq type='error' id='mine'/>");
        return true;
      });
      await alice.ask(ping('p'), /<iq type='error' id='mine'\/>/);
      expect((await alice.ask(`<r ${sm}/>`, /<a [^>]*h='(\d+)'/))[1]).toBe('1');
      sandbox.intercept(undefined);
      await alice.ask(ping('q'), /type='result' id='q'|id='q'[^>]* type='result'/);
    });
  });

  it('hears messages twice and forged answers before the true ones, where that is wanted', async () => {
    await using({}, async (sandbox, alice) => {
      await alice.bind('desk');
      alice.send('<presence/>');
      await alice.waitFor(/<presence /);
      sandbox.misbehave({ doubleMessages: true, forgeAnswersFrom: 'mallory@xmpp.sandbox' });
      sandbox.observer('bob').say('alice@xmpp.sandbox', 'echo');
      await alice.waitFor(/echo.*echo/s);
      const ids = alice.text.match(/<stanza-id [^>]*id='([^']+)'/g) ?? [];
      expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
      await alice.ask(ping('p'), /<iq [^>]*from='mallory@xmpp\.sandbox'.*<iq [^>]*id='p'/s);
    });
  });

  it('ends when it says what no client may say', async () => {
    for (const [said, condition] of [
      ['<message><body>&nasty;</body></message>', 'not-well-formed'],
      ['<message><body>a\u0001</body></message>', 'not-well-formed'],
      ['<message a="1" a="2"/>', 'not-well-formed'],
      ['<message></iq>', 'not-well-formed'],
      ['<!DOCTYPE x>', 'restricted-xml'],
      ['<!-- x -->', 'restricted-xml'],
      ['<nothing xmlns="urn:x"/>', 'unsupported-stanza-type'],
      [oversized(20_000), 'policy-violation'],
      [`<message>${'<a>'.repeat(600)}`, 'policy-violation'],
    ] as const) {
      await using({ mostCharacters: 10_000 }, async (_, alice) => {
        await alice.bind('desk');
        await alice.ask(said, new RegExp(`<stream:error><${condition} `));
        await alice.gone();
      });
    }
  });

  it('is asked whether it is there, and ended when it does not answer', async () => {
    await using({ pingEveryMs: 60 }, async (_, alice) => {
      await alice.bind('desk');
      await alice.waitFor(/<iq type='get' id='ping-/);
      await alice.waitFor(/<stream:error><connection-timeout /);
    });
  });
});

describe('the whole server', () => {
  it('comes back on the same port with its people, what they said and lasting rooms', async () => {
    await using({}, async (sandbox, alice) => {
      const { port } = sandbox;
      const id = await alice.bind('desk', true);
      sandbox.observer('bob').say('alice@xmpp.sandbox', 'remember me');
      await sandbox.restart();
      await alice.gone();
      expect(sandbox.port).toBe(port);
      expect(sandbox.archive('alice@xmpp.sandbox').length).toBe(1);
      await using again = await come(sandbox);
      await again.ask(`<resume ${sm} previd='${id}' h='0'/>`, /<failed /);
      await sandbox.stop();
      await again.gone();
      await using late = new RawXmpp(port, sandbox.domain);
      await late.gone();
    });
  });
});

describe('any client', () => {
  it('may say anything, and the server answers the next one as before', async () => {
    await using({}, async (sandbox) => {
      let seed = 11;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((seed / 2 ** 32) * below);
      };
      const one = (list: readonly string[]): string => list[random(list.length)] ?? '';
      const to = [
        'alice@xmpp.sandbox',
        'alice@xmpp.sandbox/desk',
        'xmpp.sandbox',
        'rooms.xmpp.sandbox',
        'x@rooms.xmpp.sandbox',
        'x@rooms.xmpp.sandbox/me',
        'nobody@xmpp.sandbox',
        'elsewhere.example.org',
        '@',
        '',
        'a@b@c/d/e',
      ];
      const types = [
        'get',
        'set',
        'result',
        'error',
        'chat',
        'groupchat',
        'normal',
        'headline',
        'subscribe',
        'subscribed',
        'unsubscribe',
        'unsubscribed',
        'unavailable',
        'probe',
        'nonsense',
      ];
      const spaces = [
        'jabber:iq:roster',
        'urn:xmpp:mam:2',
        'http://jabber.org/protocol/muc',
        'http://jabber.org/protocol/muc#admin',
        'http://jabber.org/protocol/muc#owner',
        'http://jabber.org/protocol/muc#user',
        'http://jabber.org/protocol/pubsub',
        'urn:xmpp:blocking',
        'vcard-temp',
        'jabber:iq:private',
        'jabber:iq:register',
        'http://jabber.org/protocol/disco#info',
        'http://jabber.org/protocol/disco#items',
        'urn:xmpp:carbons:2',
        'urn:xmpp:ping',
        'urn:xmpp:sm:3',
      ];
      const names = [
        'query',
        'x',
        'pubsub',
        'block',
        'unblock',
        'blocklist',
        'item',
        'items',
        'publish',
        'retract',
        'set',
        'before',
        'after',
        'max',
        'vCard',
        'enable',
        'body',
        'subject',
        'history',
        'destroy',
        'invite',
      ];
      const inside = (depth: number): string => {
        const name = one(names);
        const attrs =
          random(2) === 0
            ? ` jid='${one(to)}' node='x' affiliation='outcast' role='none' nick='me' subscription='${one(types)}'`
            : '';
        return `<${name}${random(3) === 0 ? ` xmlns='${one(spaces)}'` : ''}${attrs}>${depth > 0 && random(3) > 0 ? inside(depth - 1) : 'words'}</${name}>`;
      };
      for (let turn = 0; turn < 4; turn++) {
        await using client = await come(sandbox);
        await client.bind('desk', turn % 2 === 0);
        client.send(
          '<presence/>',
          "<presence to='x@rooms.xmpp.sandbox/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
        );
        for (let i = 0; i < 600; i++) {
          const kind = one(['iq', 'message', 'presence']);
          const addressed = random(3) === 0 ? '' : ` to='${one(to)}'`;
          client.send(
            `<${kind} id='${String(i)}' type='${one(types)}'${addressed}><${one(names)} xmlns='${one(spaces)}'>${inside(2)}</${one(names)}>`.replace(
              /<(\S+) xmlns='([^']+)'>(<.*>)<\/\S+>$/s,
              "<$1 xmlns='$2'>$3</$1>",
            ) + `</${kind}>`,
          );
        }
        client.send(ping('last'));
        await client.waitFor(/id='last'/);
        client.send('</stream:stream>');
        await client.gone();
      }
      sandbox.addAccount({ name: 'alice', password: 'tulip' });
      await using fresh = await come(sandbox);
      await fresh.bind('desk');
      await fresh.ask(ping('p'), /id='p'/);
    });
  });
});
