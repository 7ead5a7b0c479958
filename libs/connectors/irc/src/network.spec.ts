import { describe, expect, it } from '@jest/globals';
import { Isupport } from './isupport.js';
import { carriesTag, channelIn, networkOf, plainNetwork, targetsFor, type Network } from './network.js';

/** What a server says of itself by these tokens. */
function saying(...tokens: readonly string[]): Network {
  const isupport = new Isupport();
  isupport.take(['alice', ...tokens, 'are supported by this server']);
  return networkOf(isupport.tokens);
}

describe('ISUPPORT', () => {
  it('is remembered token by token: said again, taken back, and with its escapes', () => {
    const isupport = new Isupport();
    expect(
      isupport.take(['alice', 'NETWORK=Example\\x20Net\\x5C', 'WHOX', 'NICKLEN=9', 'are supported']),
    ).toBe(true);
    expect(Object.fromEntries(isupport.tokens)).toEqual({ NETWORK: 'Example Net\\', WHOX: '', NICKLEN: '9' });
    expect(isupport.take(['alice', 'NICKLEN=9', 'are supported'])).toBe(false);
    expect(isupport.take(['alice', '-WHOX', 'NICKLEN=16', '-NOTTHERE', 'are supported'])).toBe(true);
    expect(Object.fromEntries(isupport.tokens)).toEqual({ NETWORK: 'Example Net\\', NICKLEN: '16' });
  });

  it('is bounded, whatever a server sends', () => {
    const isupport = new Isupport();
    for (let line = 0; line < 1_000; line++) {
      isupport.take(['alice', ...Array.from({ length: 13 }, (_, at) => `T${String(line)}.${String(at)}=x`)]);
    }
    expect(isupport.tokens.size).toBe(300);
    isupport.take(['alice', `T0.0=${'x'.repeat(5_000)}`, '=x', '-', '==', 'T0.1=y']);
    expect(isupport.tokens.get('T0.0')).toBe('x');
    expect(isupport.tokens.get('T0.1')).toBe('y');
  });
});

describe('what a server says of itself', () => {
  it('is believed in the shapes we know', () => {
    const said = saying(
      ...['NETWORK=Example', 'CASEMAPPING=ascii', 'CHANTYPES=#', 'STATUSMSG=@+', 'PREFIX=(qo)~@'],
      ...['CHANMODES=beI,k,l,imnt', 'MODES=4', 'LINELEN=1024', 'NICKLEN=16', 'CHANNELLEN=64', 'TOPICLEN=300'],
      ...[
        'KICKLEN=200',
        'AWAYLEN=190',
        'USERLEN=10',
        'HOSTLEN=64',
        'TARGMAX=NAMES:1,JOIN:3,PRIVMSG:,WHOIS:x',
      ],
      ...[
        'MONITOR=100',
        'WATCH=128',
        'SAFERATE',
        'SAFELIST',
        'ELIST=cmnu',
        'WHOX',
        'KNOCK',
        'BOT=B',
        'UTF8ONLY',
      ],
      ...['CLIENTTAGDENY=*,-typing', 'draft/CHATHISTORY=50', 'MSGREFTYPES=timestamp,msgid,other'],
    );
    expect(said).toEqual({
      name: 'Example',
      caseMapping: 'ascii',
      channelTypes: '#',
      statusMarks: '@+',
      prefixes: [
        { mark: '~', mode: 'q' },
        { mark: '@', mode: 'o' },
      ],
      parameterModes: { always: 'beIk', whenSet: 'l' },
      listModes: 'beI',
      modesPerLine: 4,
      lineLength: 1024,
      nickLength: 16,
      channelLength: 64,
      topicLength: 300,
      kickLength: 200,
      awayLength: 190,
      userLength: 10,
      hostLength: 64,
      joinTargets: 3,
      targets: new Map([
        ['NAMES', 1],
        ['JOIN', 3],
        ['PRIVMSG', Infinity],
      ]),
      monitor: 100,
      watch: 128,
      safeRate: true,
      safeList: true,
      listConditions: 'CMNU',
      whox: true,
      knock: true,
      botMode: 'B',
      utf8Only: true,
      deniedTags: { all: true, but: new Set(['typing']) },
      historyLimit: 50,
      historyReferences: ['timestamp', 'msgid'],
    });
    expect(carriesTag(said, '+typing')).toBe(true);
    expect(carriesTag(said, '+draft/react')).toBe(false);
    expect(carriesTag(saying('CLIENTTAGDENY=draft/react'), '+draft/react')).toBe(false);
    expect(carriesTag(plainNetwork, '+typing')).toBe(true);
    expect(targetsFor(said, 'PRIVMSG')).toBe(Infinity);
    expect(targetsFor(said, 'WHOIS')).toBe(1);
    expect(saying('MAXTARGETS=4').targets.get('NOTICE')).toBe(4);
    expect(saying('MONITOR').monitor).toBe(Infinity);
  });

  it('is not believed in others', () => {
    const odd = [`LINELEN=${'9'.repeat(30)}`, 'NICKLEN', 'TARGMAX=JOIN:0', 'CHANMODES', 'PREFIX=x', 'BOT=**'];
    expect(saying(...odd, 'MONITOR=many', 'MODES=none')).toMatchObject({
      lineLength: 512,
      nickLength: 30,
      joinTargets: 1,
      channelTypes: '#&',
      prefixes: plainNetwork.prefixes,
      modesPerLine: 3,
    });
    expect(saying(...odd, 'MONITOR=many')).not.toHaveProperty('monitor');
    expect(saying(...odd)).not.toHaveProperty('botMode');
    expect(saying('LINELEN=3').lineLength).toBe(512);
  });

  it('may be that there are no channels, or no marks', () => {
    expect(channelIn(saying('CHANTYPES='), '#a')).toBeUndefined();
    expect(saying('PREFIX=').prefixes).toEqual([]);
  });
});
