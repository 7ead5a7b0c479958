/* The same conversations with the sandbox, Prosody and ejabberd: what holds on one holds on the others. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithPeers, plainXmpp, xmppFamilies, type PlainXmpp } from '#peers';
import { startSandboxXmpp } from '#sandbox';
import { RawXmpp } from './raw-client.fixture.js';

interface Subject extends AsyncDisposable {
  readonly port: number;
  readonly domain: string;
  readonly rooms: string;
  account(name: string, password: string): Promise<void>;
}

describe('the sandbox', () => {
  behavesAsServersDo(async () => {
    const sandbox = await startSandboxXmpp();
    return {
      port: sandbox.port,
      domain: sandbox.domain,
      rooms: sandbox.roomDomain,
      account: (name, password) => {
        sandbox.addAccount({ name, password });
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    };
  });
});

for (const { name, peers, start } of xmppFamilies) {
  describeWithPeers(name, peers, () => {
    behavesAsServersDo(async () => {
      const server = await start();
      return {
        port: server.ports.clients,
        domain: server.names.domain,
        rooms: server.names.rooms,
        account: (user, password) => server.createAccount(user, password),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    });
  });
}

const fresh = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

function behavesAsServersDo(start: () => Promise<Subject>): void {
  let subject: Subject;
  const open: PlainXmpp[] = [];
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(async () => {
    for (const client of open) await client[Symbol.asyncDispose]();
    await subject[Symbol.asyncDispose]();
  });

  const device = async (user: string, resource: string, more: object = {}): Promise<PlainXmpp> => {
    const { port, domain } = subject;
    const client = await plainXmpp({ port, domain, user, password: `${user} secret`, resource, ...more });
    open.push(client);
    return client;
  };
  const somebody = async (name: string, more: object = {}): Promise<PlainXmpp> => {
    const user = fresh(name);
    await subject.account(user, `${user} secret`);
    return device(user, 'desk', more);
  };
  const userOf = ({ bare }: PlainXmpp): string => bare.split('@')[0] ?? '';
  /** Everything that came of something, as it stood on the wire: up to the answer to a question behind it. */
  const wire = async (client: PlainXmpp, act: () => void, pattern: RegExp): Promise<string> => {
    const after = client.stanzas.length;
    act();
    await client.waitFor(String(pattern), () => client.raw.slice(after).some((one) => pattern.test(one)), {
      after,
    });
    return client.raw.slice(after).find((one) => pattern.test(one)) ?? '';
  };
  const both = async (): Promise<readonly [PlainXmpp, PlainXmpp]> => {
    const [alice, bob] = [await somebody('alice'), await somebody('bob')];
    await bob.ask('get', "<query xmlns='jabber:iq:roster'/>");
    await alice.ask('get', "<query xmlns='jabber:iq:roster'/>");
    return [alice, bob];
  };

  it('tells what it can do', async () => {
    const alice = await somebody('alice');
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    await alice.ask('get', info, subject.domain);
    expect(alice.raw.at(-1)).toContain('urn:xmpp:carbons:2');
    await alice.ask('get', info, alice.bare);
    const own = alice.raw.at(-1);
    expect(own).toContain('urn:xmpp:mam:2');
    expect(own).toContain('http://jabber.org/protocol/pubsub#publish');
    await alice.ask('get', info, subject.rooms);
    expect(alice.raw.at(-1)).toContain('http://jabber.org/protocol/muc');
    await alice.ask('get', "<query xmlns='http://jabber.org/protocol/disco#items'/>", subject.domain);
    expect(alice.raw.at(-1)).toContain(subject.rooms);
  });

  it('answers a ping, refuses a question that nobody knows, and messages to nobody', async () => {
    const alice = await somebody('alice');
    expect((await alice.ask('get', "<ping xmlns='urn:xmpp:ping'/>")).attrs['type']).toBe('result');
    expect((await alice.ask('get', "<nobody xmlns='urn:nobody:knows'/>")).attrs['type']).toBe('error');
    expect(alice.raw.at(-1)).toMatch(/<(?:service-unavailable|feature-not-implemented) /);
    const bounced = await wire(
      alice,
      () => alice.say(`${fresh('nobody')}@${subject.domain}`, 'hello?'),
      /<message [^>]*type=['"]error['"]/,
    );
    expect(bounced).toContain('service-unavailable');
  });

  it('lets two people see each other, tells the roster, and ends it', async () => {
    const [alice, bob] = await both();
    const asked = await wire(
      bob,
      () => {
        alice.send(`<presence type='subscribe' to='${bob.bare}'/>`);
      },
      /type=['"]subscribe['"]/,
    );
    expect(asked).toContain(alice.bare);
    const granted = await wire(
      alice,
      () => {
        bob.send(`<presence type='subscribed' to='${alice.bare}'/>`);
      },
      /<iq .*subscription=['"]to['"]/,
    );
    expect(granted).toContain(bob.bare);
    await alice.waitFor(
      "bob's presence",
      ({ name, attrs }) => name === 'presence' && attrs['from'] === bob.jid && attrs['type'] === undefined,
    );
    const away = await wire(
      alice,
      () => {
        bob.show('away', 'lunch');
      },
      /<show>away<\/show>/,
    );
    expect(away).toContain('<status>lunch</status>');
    await alice.ask('get', "<query xmlns='jabber:iq:roster'/>");
    expect(alice.raw.at(-1)).toMatch(/subscription=['"]to['"]/);
    const removed = await wire(
      alice,
      () => {
        alice.send(
          `<iq type='set' id='rm'><query xmlns='jabber:iq:roster'><item jid='${bob.bare}' subscription='remove'/></query></iq>`,
        );
      },
      /subscription=['"]remove['"]/,
    );
    expect(removed).toContain(bob.bare);
    await bob.waitFor('the end', ({ name, attrs }) => name === 'presence' && attrs['type'] === 'unsubscribe');
  });

  it('gives all devices of one what is said to them, and what they say', async () => {
    const alice = await somebody('alice', { carbons: true });
    const phone = await device(userOf(alice), 'phone', { carbons: true });
    const bob = await somebody('bob');
    const received = await wire(phone, () => bob.say(alice.jid, 'to the desk'), /to the desk/);
    expect(received).toMatch(/<received xmlns=['"]urn:xmpp:carbons:2['"]/);
    const sent = await wire(phone, () => alice.say(bob.bare, 'from the desk'), /from the desk/);
    expect(sent).toMatch(/<sent xmlns=['"]urn:xmpp:carbons:2['"]/);
    const after = phone.raw.length;
    bob.say(alice.jid, 'not for the phone', {
      more: "<private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>",
    });
    await wire(phone, () => bob.say(alice.bare, 'for all'), /for all/);
    expect(phone.raw.slice(after).join('')).not.toContain('not for the phone');
  });

  it('keeps what was said, gives each an id that comes last, and pages through it', async () => {
    const [alice, bob] = await both();
    for (let i = 1; i <= 5; i++) {
      const said = await wire(
        bob,
        () =>
          alice.say(bob.bare, `words ${String(i)}`, {
            more: `<stanza-id xmlns='urn:xmpp:sid:0' by='${bob.bare}' id='forged'/>`,
          }),
        new RegExp(`words ${String(i)}`),
      );
      expect(said).toMatch(/<stanza-id /);
      // Prosody leaves what is forged where it is and puts its own behind it.
      const given = said.match(/<stanza-id [^>]*>/g)?.filter((one) => one.includes(bob.bare)) ?? [];
      expect(given.at(-1)).not.toContain('forged');
    }
    const ids: string[] = [];
    let after = '';
    for (let pages = 0; pages < 4; pages++) {
      const from = bob.raw.length;
      const answer = await bob.ask(
        'set',
        `<query xmlns='urn:xmpp:mam:2' queryid='q'><set xmlns='http://jabber.org/protocol/rsm'><max>2</max>${after === '' ? '' : `<after>${after}</after>`}</set></query>`,
      );
      expect(answer.attrs['type']).toBe('result');
      const page = bob.raw.slice(from);
      ids.push(...page.flatMap((one) => /<result[^>]*\sid=['"]([^'"]+)['"]/.exec(one)?.[1] ?? []));
      after = /<last>([^<]+)</.exec(page.at(-1) ?? '')?.[1] ?? '';
      if (/complete=['"]true['"]/.test(page.at(-1) ?? '')) break;
    }
    expect(ids.length).toBe(5);
    expect(new Set(ids).size).toBe(5);
    const last = await bob.ask(
      'set',
      "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></query>",
    );
    expect(last.attrs['type']).toBe('result');
    expect(bob.raw.at(-2)).toContain('words 5');
  });

  it('keeps messages for whoever is away', async () => {
    const bob = await somebody('bob');
    const user = fresh('carol');
    await subject.account(user, `${user} secret`);
    bob.say(`${user}@${subject.domain}`, 'for later');
    // An answer behind it: the message has been dealt with.
    await bob.ask('get', "<ping xmlns='urn:xmpp:ping'/>");
    const carol = await device(user, 'desk');
    await carol.waitFor('what was said', () => carol.raw.some((one) => one.includes('for later')));
    expect(carol.raw.find((one) => one.includes('for later'))).toContain('urn:xmpp:delay');
  });

  it('lets people talk in a room, privately too, and tells who comes and goes', async () => {
    const [alice, bob] = await both();
    const room = `${fresh('lounge')}@${subject.rooms}`;
    await alice.join(room, 'alice');
    expect(alice.raw.some((one) => /status code=['"]201['"]/.test(one))).toBe(true);
    const came = wire(alice, () => undefined, /<presence [^>]*\/bob['"]/);
    await bob.join(room, 'bob');
    expect(await came).toMatch(/role=['"]participant['"]/);
    await bob.waitFor('the subject', () => bob.raw.some((one) => one.includes('<subject')));
    const heard = await wire(bob, () => alice.say(room, 'hello all', { id: 'mine' }), /hello all/);
    expect(heard).toMatch(/id=['"]mine['"]/);
    expect(heard).toContain(`${room}/alice`);
    await alice.waitFor('the echo', () => alice.raw.some((one) => one.includes('hello all')));
    const whispered = await wire(
      bob,
      () =>
        alice.say(`${room}/bob`, 'psst', {
          type: 'chat',
          more: "<x xmlns='http://jabber.org/protocol/muc#user'/>",
        }),
      /psst/,
    );
    expect(whispered).toMatch(/type=['"]chat['"]/);
    const renamed = await wire(
      alice,
      () => {
        bob.send(`<presence to='${room}/robert'/>`);
      },
      /status code=['"]303['"]/,
    );
    expect(renamed).toMatch(/nick=['"]robert['"]/);
    const gone = await wire(
      alice,
      () => {
        bob.send(`<presence to='${room}/robert' type='unavailable'/>`);
      },
      /\/robert['"].*role=['"]none['"]|type=['"]unavailable['"].*robert/,
    );
    expect(gone).toContain('unavailable');
  });

  it('refuses a name that is taken, a word from outside, and answers whoever asks whether they are still in', async () => {
    const [alice, bob] = await both();
    const room = `${fresh('lounge')}@${subject.rooms}`;
    await alice.join(room, 'alice');
    const conflict = await wire(
      bob,
      () => {
        bob.send(`<presence to='${room}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`);
      },
      /type=['"]error['"]/,
    );
    expect(conflict).toContain('<conflict ');
    const outside = await wire(
      bob,
      () => bob.say(room, 'let me in', { type: 'groupchat' }),
      /<message [^>]*type=['"]error['"]/,
    );
    expect(outside).toContain('<not-acceptable ');
    const ping = "<ping xmlns='urn:xmpp:ping'/>";
    expect((await alice.ask('get', ping, `${room}/alice`)).attrs['type']).toBe('result');
    await bob.ask('get', ping, `${room}/bob`);
    expect(bob.raw.at(-1)).toContain('<not-acceptable ');
  });

  it('lets the owner send somebody out, keep them out and let nobody change the subject', async () => {
    const [alice, bob] = await both();
    const room = `${fresh('lounge')}@${subject.rooms}`;
    await alice.join(room, 'alice');
    await bob.join(room, 'bob');
    const admin = async (item: string): Promise<string | undefined> =>
      (await alice.ask('set', `<query xmlns='http://jabber.org/protocol/muc#admin'>${item}</query>`, room))
        .attrs['type'];
    const kicked = wire(bob, () => undefined, /status code=['"]307['"]/);
    expect(await admin("<item nick='bob' role='none'><reason>loud</reason></item>")).toBe('result');
    expect(await kicked).toContain('loud');
    await bob.join(room, 'bob');
    const banned = wire(bob, () => undefined, /status code=['"]301['"]/);
    expect(await admin(`<item jid='${bob.bare}' affiliation='outcast'/>`)).toBe('result');
    await banned;
    const refused = await wire(
      bob,
      () => {
        bob.send(`<presence to='${room}/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`);
      },
      /type=['"]error['"]/,
    );
    expect(refused).toContain('<forbidden ');
    const told = await wire(
      alice,
      () => {
        alice.send(`<message type='groupchat' to='${room}'><subject>quiet</subject></message>`);
      },
      /<subject>quiet/,
    );
    expect(told).toContain('groupchat');
  });

  it('keeps what was said in a room', async () => {
    const alice = await somebody('alice');
    const room = `${fresh('lounge')}@${subject.rooms}`;
    await alice.join(room, 'alice');
    const echo = await wire(alice, () => alice.say(room, 'for ever'), /for ever/);
    const [, id = ''] = /<stanza-id [^>]*id=['"]([^'"]+)['"]/.exec(echo) ?? [];
    expect(id).not.toBe('');
    await alice.ask(
      'set',
      "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query>",
      room,
    );
    expect(alice.raw.find((one) => one.includes('<result'))).toContain(id);
  });

  it('keeps bookmarks, and tells the other devices that care', async () => {
    const alice = await somebody('alice');
    const user = userOf(alice);
    await using phone = await new RawXmpp(subject.port, subject.domain).signIn(user, `${user} secret`);
    await phone.bind('phone');
    // The hash (XEP-0115 §5.1) of: client/pc//<http://jabber.org/protocol/disco#info<urn:xmpp:bookmarks:1+notify<
    const [, id = '', from = ''] = await phone.ask(
      "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:test' ver='BYVQdyytOOZwP2YMaVg5ssUXKgc='/></presence>",
      /<iq (?=[^>]*id=['"]([^'"]+)['"])(?=[^>]*from=['"]([^'"]+)['"])(?=[^>]*type=['"]get['"])[^>]*><query [^>]*disco#info/,
    );
    phone.send(
      `<iq type='result' id='${id}' to='${from}'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:test#BYVQdyytOOZwP2YMaVg5ssUXKgc='>` +
        "<identity category='client' type='pc'/><feature var='http://jabber.org/protocol/disco#info'/>" +
        "<feature var='urn:xmpp:bookmarks:1+notify'/></query></iq>",
    );
    const set = async (space: string, content: string): Promise<boolean> => {
      const answer = await alice.ask(
        'set',
        `<pubsub xmlns='http://jabber.org/protocol/pubsub${space}'>${content}</pubsub>`,
      );
      return answer.attrs['type'] === 'result';
    };
    const form = (type: string, fields: Readonly<Record<string, string>>): string =>
      `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>` +
      `<value>http://jabber.org/protocol/pubsub#${type}</value></field>` +
      `${Object.entries(fields)
        .map(([name, value]) => `<field var='pubsub#${name}'><value>${value}</value></field>`)
        .join('')}</x>`;
    const node = "node='urn:xmpp:bookmarks:1'";
    const publish = async (room: string): Promise<void> => {
      const item = `<item id='${room}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item>`;
      const wanted = { persist_items: 'true', access_model: 'whitelist' };
      const options = (fields: Readonly<Record<string, string>>): string =>
        `<publish ${node}>${item}</publish><publish-options>${form('publish-options', fields)}</publish-options>`;
      if (await set('', options({ ...wanted, max_items: 'max' }))) return;
      // ejabberd 23 knows no such option: the node itself is told to keep many.
      expect(alice.raw.at(-1)).toContain('pubsub#max_items');
      expect(await set('', options(wanted))).toBe(true);
      const configured = `<configure ${node}>${form('node_config', { ...wanted, max_items: '255' })}</configure>`;
      expect(await set('#owner', configured)).toBe(true);
    };
    await publish('a@rooms.example.org');
    await publish('b@rooms.example.org');
    await alice.ask(
      'get',
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub>",
    );
    expect(alice.raw.at(-1)).toMatch(/a@rooms\.example\.org.*b@rooms\.example\.org|b@rooms.*a@rooms/s);
    const retracted = await alice.ask(
      'set',
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='urn:xmpp:bookmarks:1' notify='true'><item id='a@rooms.example.org'/></retract></pubsub>",
    );
    expect(retracted.attrs['type']).toBe('result');
    await phone.waitFor(/<event .*b@rooms\.example\.org/s);
    // ejabberd 23 tells nobody that an item was taken out: whoever wants to know must ask.
    await alice.ask('get', `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items ${node}/></pubsub>`);
    expect(alice.raw.at(-1)).not.toContain('a@rooms.example.org');
  });

  it('blocks whom one will not hear, and tells the other devices', async () => {
    const [alice, bob] = await both();
    await alice.ask('get', "<blocklist xmlns='urn:xmpp:blocking'/>");
    const told = await wire(
      alice,
      () => {
        alice.send(
          `<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='${bob.bare}'/></block></iq>`,
        );
      },
      /<block xmlns/,
    );
    expect(told).toContain(bob.bare);
    const refused = await wire(bob, () => bob.say(alice.bare, 'hello?'), /type=['"]error['"]/);
    expect(refused).toContain('<service-unavailable ');
    const own = await wire(alice, () => alice.say(bob.bare, 'hello!'), /type=['"]error['"]/);
    expect(own).toContain('<not-acceptable ');
    expect((await alice.ask('set', "<unblock xmlns='urn:xmpp:blocking'/>")).attrs['type']).toBe('result');
    await wire(alice, () => bob.say(alice.bare, 'again?'), /again\?/);
  });

  it('keeps what one says of oneself (vCard)', async () => {
    const [alice, bob] = await both();
    expect((await alice.ask('set', "<vCard xmlns='vcard-temp'><FN>Alice</FN></vCard>")).attrs['type']).toBe(
      'result',
    );
    await bob.ask('get', "<vCard xmlns='vcard-temp'/>", alice.bare);
    expect(bob.raw.at(-1)).toContain('<FN>Alice</FN>');
  });
}
