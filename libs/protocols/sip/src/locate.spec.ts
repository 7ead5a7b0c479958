import { afterEach, describe, expect, it } from '@jest/globals';
import { createSocket, type Socket } from 'node:dgram';
import { dnsLookups } from './dns-lookups.js';
import { locate, type LocateOptions, type Lookups, type Naptr, type Srv } from './locate.js';
import { parseUri } from './uri.js';

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>;
  readonly srv?: Readonly<Record<string, readonly Srv[] | 'broken'>>;
  readonly isNaptrBroken?: boolean;
}

/** A DNS with these records and no others; it remembers what it was asked. */
function dns({ naptr = {}, srv = {}, isNaptrBroken = false }: Zone): { lookups: Lookups; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    lookups: {
      naptr: (domain) => {
        asked.push(`NAPTR ${domain}`);
        return isNaptrBroken ? Promise.reject(new Error('SERVFAIL')) : Promise.resolve(naptr[domain] ?? []);
      },
      srv: (name) => {
        asked.push(`SRV ${name}`);
        const records = srv[name] ?? [];
        return records === 'broken' ? Promise.reject(new Error('SERVFAIL')) : Promise.resolve(records);
      },
    },
  };
}

const srv = (name: string, port = 5_060, priority = 0, weight = 0): Srv => ({ name, port, priority, weight });
const naptr = (service: string, replacement: string, order = 10, preference = 10, flags = 's'): Naptr => ({
  service,
  replacement,
  order,
  preference,
  flags,
});

async function placesOf(text: string, zone: Zone, options: LocateOptions = {}): Promise<string[]> {
  const uri = parseUri(text);
  if (uri === undefined) throw new Error(text);
  const targets = await locate(uri, dns(zone).lookups, { random: () => 0.5, ...options });
  return targets.map(({ transport, host, port }) => `${transport} ${host} ${String(port)}`);
}

describe('the places of a URI (RFC 3263)', () => {
  it.each<[string, string[]]>([
    ['sip:192.0.2.1', ['udp 192.0.2.1 5060']],
    ['sip:bob@[2001:db8::1]:5070', ['udp 2001:db8::1 5070']],
    ['sip:192.0.2.1;transport=tcp', ['tcp 192.0.2.1 5060']],
    ['sips:192.0.2.1', ['tls 192.0.2.1 5061']],
    ['sip:192.0.2.1;transport=TLS', ['tls 192.0.2.1 5061']],
    ['sips:192.0.2.1;transport=tcp', ['tls 192.0.2.1 5061']],
    ['sip:example.org:5080', ['udp example.org 5080']],
    ['sips:example.org:5080', ['tls example.org 5080']],
    ['sip:example.org', ['udp example.org 5060']],
    ['sips:example.org', ['tls example.org 5061']],
    ['sip:example.org;maddr=192.0.2.9', ['udp 192.0.2.9 5060']],
    ['sip:example.org;transport=sctp', []],
    ['sips:example.org;transport=udp', []],
  ])('are of %s, where the DNS says nothing, %j', async (uri, places) => {
    expect(await placesOf(uri, {})).toEqual(places);
  });

  it('ask nothing where an address or a port is given', async () => {
    for (const text of ['sip:192.0.2.1', 'sip:example.org:5060', 'sip:[::1]']) {
      const { lookups, asked } = dns({});
      const uri = parseUri(text);
      if (uri !== undefined) await locate(uri, lookups);
      expect(asked).toEqual([]);
    }
  });

  it('are those of NAPTR, by order and preference, of what we speak', async () => {
    const zone: Zone = {
      naptr: {
        'example.org': [
          naptr('SIP+D2U', '_sip._udp.example.org', 20, 10),
          naptr('SIP+D2T', '_sip._tcp.example.org', 10, 20),
          naptr('SIPS+D2T', '_sips._tcp.example.org', 10, 10),
          naptr('SIP+D2S', '_sip._sctp.example.org', 1),
          naptr('E2U+sip', '', 1, 1, 'u'),
        ],
      },
      srv: {
        '_sips._tcp.example.org': [srv('s1.example.org', 5_061)],
        '_sip._tcp.example.org': [srv('t1.example.org.')],
        '_sip._udp.example.org': [srv('u1.example.org')],
      },
    };
    const [tls, tcp, udp] = ['tls s1.example.org 5061', 'tcp t1.example.org 5060', 'udp u1.example.org 5060'];
    expect(await placesOf('sip:bob@example.org', zone)).toEqual([tls, tcp, udp]);
    expect(await placesOf('sips:bob@example.org', zone)).toEqual([tls]);
    expect(await placesOf('sip:example.org', zone, { transports: ['udp', 'tcp'] })).toEqual([tcp, udp]);
    expect(await placesOf('sip:example.org;transport=udp', zone)).toEqual([udp]);
  });

  it('are those of SRV for all that we speak where there is no NAPTR, or nobody who can answer it', async () => {
    const records = {
      '_sip._tcp.example.org': [srv('t.example.org')],
      '_sip._udp.example.org': [srv('u.example.org', 5_070)],
    };
    for (const isNaptrBroken of [false, true]) {
      expect(await placesOf('sip:example.org', { srv: records, isNaptrBroken })).toEqual([
        'tcp t.example.org 5060',
        'udp u.example.org 5070',
      ]);
    }
  });

  it('are by priority, and among equals by chance as their weights say (RFC 2782)', async () => {
    const zone: Zone = {
      srv: {
        '_sip._udp.example.org': [
          srv('backup', 1, 20),
          srv('light', 1, 10, 1),
          srv('heavy', 1, 10, 3),
          srv('none', 1, 10, 0),
        ],
      },
    };
    const firsts = new Map<string, number>();
    let seed = 1;
    // A generator of its own: the same numbers each time.
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let index = 0; index < 2_000; index++) {
      const places = await placesOf('sip:example.org;transport=udp', zone, { random });
      expect(places).toHaveLength(4);
      expect(places[3]).toBe('udp backup 1');
      const first = places[0] ?? '';
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    // Marks are 0 to 4: one of them is of weight 0, one of 1, three of 3.
    const share = (name: string): number => (firsts.get(`udp ${name} 1`) ?? 0) / 2_000;
    expect(share('heavy')).toBeGreaterThan(0.5);
    expect(share('heavy')).toBeLessThan(0.7);
    expect(share('light')).toBeGreaterThan(0.13);
    expect(share('none')).toBeGreaterThan(0.1);
  });

  it('are none where the domain says that it offers no SIP', async () => {
    const zone: Zone = {
      srv: { '_sip._udp.example.org': [srv('.', 0)], '_sip._tcp.example.org': [srv('', 0)] },
    };
    expect(await placesOf('sip:example.org', zone)).toEqual([]);
  });

  it('are not made up where nobody can say which servers there are', async () => {
    const zone: Zone = { srv: { '_sip._udp.example.org': 'broken' } };
    await expect(placesOf('sip:example.org', zone)).rejects.toThrow('SERVFAIL');
    const half: Zone = { srv: { ...zone.srv, '_sip._tcp.example.org': [srv('t')] } };
    expect(await placesOf('sip:example.org', half)).toEqual(['tcp t 5060']);
  });

  it('are no more than somebody would try', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => srv(`h${String(index)}`, 1, index % 7, 1));
    const places = await placesOf('sip:example.org;transport=udp', {
      srv: { '_sip._udp.example.org': many },
    });
    expect(places.length).toBeLessThanOrEqual(32);
  });
});

describe('lookups in the DNS', () => {
  let server: Socket | undefined;

  afterEach(() => {
    server?.close();
  });

  /** A name server on loopback that answers by type and name. */
  async function nameServer(
    answers: Readonly<Record<string, readonly Buffer[] | 'broken'>>,
  ): Promise<string> {
    const socket = createSocket('udp4');
    server = socket;
    socket.on('message', (query, { port, address }) => {
      const end = query.indexOf(0, 12) + 1;
      const labels: string[] = [];
      for (let at = 12; (query[at] ?? 0) > 0; at += (query[at] ?? 0) + 1) {
        labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
      }
      const type = query.readUInt16BE(end);
      const found = answers[`${String(type)} ${labels.join('.')}`];
      const records = found === undefined || found === 'broken' ? [] : found;
      const head = Buffer.from(query.subarray(0, end + 4));
      // An answer, recursion available; SERVFAIL is 2, NXDOMAIN 3.
      head.writeUInt16BE(0x8180 | (found === 'broken' ? 2 : found === undefined ? 3 : 0), 2);
      head.writeUInt16BE(records.length, 6);
      head.writeUInt32BE(0, 8);
      const bodies = records.map((data) => {
        const fixed = Buffer.alloc(12);
        fixed.writeUInt16BE(0xc00c, 0);
        fixed.writeUInt16BE(type, 2);
        fixed.writeUInt16BE(1, 4);
        fixed.writeUInt16BE(data.length, 10);
        return Buffer.concat([fixed, data]);
      });
      socket.send(Buffer.concat([head, ...bodies]), port, address);
    });
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    return `127.0.0.1:${String(socket.address().port)}`;
  }

  const numbers = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(2 * values.length);
    values.forEach((value, at) => bytes.writeUInt16BE(value, 2 * at));
    return bytes;
  };
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const name = (value: string): Buffer =>
    Buffer.concat([...value.split('.').map((label) => text(label)), Buffer.alloc(1)]);

  it('find NAPTR and SRV, tell nothing from not knowing', async () => {
    const at = await nameServer({
      '35 example.org': [
        Buffer.concat([numbers(10, 20), text('s'), text('SIP+D2U'), text(''), name('_sip._udp.example.org')]),
      ],
      '33 _sip._udp.example.org': [Buffer.concat([numbers(1, 2, 5_070), name('u.example.org')])],
      '33 _sip._tcp.example.org': 'broken',
    });
    const lookups = dnsLookups({ servers: [at], timeoutMs: 500 });
    const uri = parseUri('sip:bob@example.org');
    if (uri === undefined) throw new Error('no URI');
    expect(await locate(uri, lookups)).toEqual([
      { transport: 'udp', host: 'u.example.org', port: 5_070, domain: 'example.org' },
    ]);
    expect(await lookups.srv('_sip._udp.example.com')).toEqual([]);
    await expect(lookups.srv('_sip._tcp.example.org')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });
});
