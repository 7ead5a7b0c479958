import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#connector/testing';
import { findServers, type FindOptions, type SrvRecord, type SrvResolver } from './srv.js';
import type { ServerTarget } from './stream.js';

const record = (name: string, more: Partial<SrvRecord> = {}): SrvRecord => ({
  name,
  port: 5_222,
  priority: 10,
  weight: 5,
  ...more,
});
const plain = '_xmpp-client._tcp.example.org';
const direct = '_xmpps-client._tcp.example.org';

/** DNS as a test has it: what is not there is refused. */
function dns(
  zone: Readonly<Record<string, readonly SrvRecord[]>>,
): SrvResolver & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolveSrv: (name) => {
      asked.push(name);
      const found = zone[name];
      return found === undefined
        ? Promise.reject(Object.assign(new Error(name), { code: 'ENODATA' }))
        : Promise.resolve(found);
    },
    cancel: () => undefined,
  };
}

async function find(resolver: SrvResolver, more: Partial<FindOptions> = {}): Promise<readonly string[]> {
  const found = await findServers('example.org', {
    clock: new ManualClock(),
    timeoutMs: 1_000,
    random: () => 0,
    encrypted: true,
    resolver,
    ...more,
  });
  return found.map(toldOf);
}

function toldOf({ host, port, directTls }: ServerTarget): string {
  return `${directTls ? 'tls' : 'tcp'}:${host}:${String(port)}`;
}

describe('the places of a domain', () => {
  it('come in the order of their priority, both kinds among each other', async () => {
    const zone = {
      [plain]: [record('late.example.org', { priority: 20 }), record('soon.example.org.', { priority: 5 })],
      [direct]: [
        record('first.example.org', { priority: 1, port: 443 }),
        record('mid.example.org', { port: 5_223 }),
      ],
    };
    expect(await find(dns(zone))).toEqual([
      'tls:first.example.org:443',
      'tcp:soon.example.org:5222',
      'tls:mid.example.org:5223',
      'tcp:late.example.org:5222',
    ]);
  });

  it('are the domain itself where DNS names none, or fails', async () => {
    expect(await find(dns({}))).toEqual(['tcp:example.org:5222']);
  });

  it('are none where the domain says that there are none', async () => {
    expect(await find(dns({ [plain]: [record('.')] }))).toEqual([]);
    expect(await find(dns({ [plain]: [record('')], [direct]: [record('.')] }))).toEqual([]);
    expect(await find(dns({ [plain]: [record('a.example.org')], [direct]: [record('.')] }))).toEqual([
      'tcp:a.example.org:5222',
    ]);
  });

  it('are without those in TLS where nobody wants TLS', async () => {
    const resolver = dns({ [plain]: [record('a.example.org')], [direct]: [record('b.example.org')] });
    expect(await find(resolver, { encrypted: false })).toEqual(['tcp:a.example.org:5222']);
    expect(resolver.asked).toEqual([plain]);
  });

  it('are asked for by the name in ASCII, and not at all for an address', async () => {
    const resolver = dns({});
    const options = {
      clock: new ManualClock(),
      timeoutMs: 1_000,
      random: () => 0,
      encrypted: true,
      resolver,
    };
    expect((await findServers('müller.example', options)).map(toldOf)).toEqual(['tcp:müller.example:5222']);
    expect(resolver.asked).toEqual([
      '_xmpp-client._tcp.xn--mller-kva.example',
      '_xmpps-client._tcp.xn--mller-kva.example',
    ]);
    expect((await findServers('192.0.2.7', options)).map(toldOf)).toEqual(['tcp:192.0.2.7:5222']);
    expect((await findServers('2001:db8::7', options)).map(toldOf)).toEqual(['tcp:2001:db8::7:5222']);
    expect(resolver.asked).toHaveLength(2);
  });

  it('leave out what is no place', async () => {
    const bad = [record('a b'), record('x'.repeat(300)), record('c.example.org', { port: 0 }), record('u@h')];
    expect(await find(dns({ [plain]: [...bad, record('good.example.org')] }))).toEqual([
      'tcp:good.example.org:5222',
    ]);
  });

  it('are bounded in number', async () => {
    const many = Array.from({ length: 500 }, (_, at) => record(`s${String(at)}.example.org`));
    expect((await find(dns({ [plain]: many, [direct]: many }))).length).toBe(60);
  });

  it('are drawn within one priority as the weights want it', async () => {
    const zone = {
      [plain]: [record('heavy.example.org', { weight: 90 }), record('light.example.org', { weight: 10 })],
      [direct]: [record('none.example.org', { weight: 0 })],
    };
    const first = new Map<string, number>();
    let step = 0;
    for (let run = 0; run < 1_000; run++) {
      const order = await find(dns(zone), { random: () => (step++ % 997) / 997 });
      expect(order).toHaveLength(3);
      const [winner = ''] = order;
      first.set(winner, (first.get(winner) ?? 0) + 1);
    }
    expect(first.get('tcp:heavy.example.org:5222')).toBeGreaterThan(800);
    expect(first.get('tcp:light.example.org:5222')).toBeGreaterThan(50);
    expect(first.get('tls:none.example.org:5222')).toBeGreaterThan(0);
  });
});

it('waits for DNS no longer than it may, by the clock of the session', async () => {
  const clock = new ManualClock();
  const waiting: ((error: Error) => void)[] = [];
  const resolver: SrvResolver = {
    resolveSrv: () => new Promise((_, reject) => waiting.push(reject)),
    cancel: () => {
      for (const reject of waiting) reject(new Error('cancelled'));
    },
  };
  const found = find(resolver, { clock });
  clock.advance(999);
  expect(waiting).toHaveLength(2);
  clock.advance(1);
  expect(await found).toEqual(['tcp:example.org:5222']);
  expect(clock.timers).toBe(0);
});
