import { pbkdf2Sync, createHash, createHmac, X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TestContext, until } from '#connector/testing';
import { makeAuthority, type Authority, type Certificate } from '#peers';
import { endPoint } from './channel-binding.js';
import { negotiate, type Negotiated, type NegotiateOptions } from './negotiation.js';
import type { Ending } from './stream.js';
import { serialise, xml, type Element } from './xml.js';

const domain = 'example.org';
const password = 'correct horse';
const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='${domain}' version='1.0'>`;
const featuresOf = (content: string): string => `<stream:features>${content}</stream:features>`;
const starttls = `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>`;
const proceed = `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`;
const bindFeature = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>`;
const sasl = 'urn:ietf:params:xml:ns:xmpp-sasl';
const mechanisms = (...names: readonly string[]): string =>
  `<mechanisms xmlns='${sasl}'>${names.map((name) => `<mechanism>${name}</mechanism>`).join('')}</mechanisms>`;
const bindings = (...types: readonly string[]): string =>
  `<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>${types.map((type) => `<channel-binding type='${type}'/>`).join('')}</sasl-channel-binding>`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const success = (text = ''): string =>
  `<success xmlns='${sasl}'>${text === '' ? '' : base64(text)}</success>`;
const refusal = (condition: string, text = ''): string =>
  `<failure xmlns='${sasl}'><${condition}/>${text === '' ? '' : `<text>${text}</text>`}</failure>`;

/** One connection as the server sees it: it hears what a pattern waits for, and says what the script wants. */
class Caller {
  heard = '';
  ended = false;
  secured: TLSSocket | undefined;
  #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = this.#listen(socket);
  }

  #listen(socket: Socket): Socket {
    return socket
      .on('data', (chunk: Buffer) => {
        this.heard += chunk.toString();
      })
      .on('error', () => undefined)
      .on('close', () => {
        this.ended = true;
      });
  }

  /** Waits for a text that fits, takes all up to its end, and gives what it caught. */
  async hears(pattern: RegExp): Promise<string> {
    const found = await until(
      `the server hears ${String(pattern)}`,
      () => pattern.exec(this.heard) ?? undefined,
    );
    this.heard = this.heard.slice(found.index + found[0].length);
    return found[1] ?? found[0];
  }

  says(text: string | Buffer): void {
    this.#socket.write(text);
  }

  async secure(options: TLSSocketOptions): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    this.secured = new TLSSocket(plain, { ...options, isServer: true });
    this.#socket = this.#listen(this.secured);
    await new Promise((done) => this.secured?.once('secure', done));
  }

  /** The stream is opened by the other side, and answered. */
  async opens(features: string): Promise<void> {
    await this.hears(/<stream:stream [^>]*>/);
    this.says(`${header}${featuresOf(features)}`);
  }

  /** What was given with an auth or a response. */
  async gives(name: 'auth' | 'response'): Promise<string> {
    const text = await this.hears(new RegExp(`<${name} [^>]*?(?:/>|>([^<]*)</${name}>)`));
    return text.startsWith('<') ? '' : Buffer.from(text, 'base64').toString('latin1');
  }

  asks(text: string): void {
    this.says(`<challenge xmlns='${sasl}'>${base64(text)}</challenge>`);
  }

  end(): void {
    this.#socket.destroy();
  }
}

let directory: string;
let authority: Authority;
let certificate: Certificate;
let expired: Certificate;
let other: Certificate;
let client: Certificate;
const servers: Server[] = [];

/** Read at once: whoever waits in a script lets the first bytes of TLS pass. */
function tlsOf(which: Certificate): TLSSocketOptions {
  return { cert: readFileSync(which.certificateFile), key: readFileSync(which.keyFile) };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-xmpp-'));
  authority = await makeAuthority(directory);
  certificate = await authority.issue('server', [domain]);
  expired = await authority.issue('expired', [domain], { expired: true });
  other = await authority.issue('other', ['elsewhere.example', '127.0.0.1', 'xmpp.example.org']);
  client = await authority.issue('client', ['alice']);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that plays a script for each who connects, and what a client makes of it. */
async function play(
  script: (caller: Caller) => Promise<void>,
  options: Partial<NegotiateOptions> & { readonly directTls?: boolean } = {},
): Promise<{ readonly outcome: Negotiated; readonly caller: Caller }> {
  const context = new TestContext();
  let caller: Caller | undefined;
  let played: Promise<void> = Promise.resolve();
  const server = createServer((socket) => {
    caller = new Caller(socket);
    played = script(caller);
    played.catch(() => undefined);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const outcome = await negotiate({
    clock: context.clock,
    // A name that nobody resolves: only the addresses count.
    target: { host: 'xmpp.example.org', port, directTls: options.directTls ?? false },
    addresses: ['127.0.0.1'],
    domain,
    username: 'alice',
    password,
    tls: { caCertificate: authority.pem },
    encrypted: true,
    register: false,
    timings: { connect: 5_000, negotiate: 5_000, close: 200 },
    ...options,
  });
  // A script that waits for what does not come must not hide how it went.
  if (outcome.ok) await played;
  if (caller === undefined) throw new Error('nobody called');
  return { outcome, caller };
}

/** The server's side of SCRAM, as the RFC has it. */
function scramServer(hash: 'sha1' | 'sha256' | 'sha512', bound: Buffer = Buffer.alloc(0)) {
  const length = { sha1: 20, sha256: 32, sha512: 64 }[hash];
  const [salt, rounds] = [Buffer.from('0123456789abcdef'), 4_096];
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
  let [bare, header, serverFirst] = ['', '', ''];
  return {
    first(message: string): string {
      [, header = '', bare = ''] = /^((?:n|y|p=[^,]*),,)(n=.*)$/.exec(message) ?? [];
      serverFirst = `${/r=.*$/.exec(bare)?.[0] ?? ''}server,s=${salt.toString('base64')},i=${String(rounds)}`;
      return serverFirst;
    },
    /** The final message; undefined where the client does not know the password or is bound to something else. */
    final(message: string): string | undefined {
      const [, without = '', said = '', proof = ''] = /^(c=([^,]*),r=[^,]*),p=(.*)$/.exec(message) ?? [];
      const expected = Buffer.concat([Buffer.from(header), bound]).toString('base64');
      const salted = pbkdf2Sync(password, salt, rounds, length, hash);
      const key = hmac(salted, 'Client Key');
      const whole = `${bare},${serverFirst},${without}`;
      const signature = hmac(createHash(hash).update(key).digest(), whole);
      const right = Buffer.from(key.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64');
      if (right !== proof || expected !== said) return undefined;
      return `v=${hmac(hmac(salted, 'Server Key'), whole).toString('base64')}`;
    },
  };
}

/** Lets a caller in by SCRAM. */
async function scram(caller: Caller, hash: 'sha1' | 'sha256' | 'sha512', bound?: Buffer): Promise<string> {
  const server = scramServer(hash, bound);
  const first = await caller.gives('auth');
  caller.asks(server.first(first));
  const last = server.final(await caller.gives('response'));
  caller.says(last === undefined ? refusal('not-authorized') : success(last));
  return first;
}

/** STARTTLS, then what the server offers inside. */
async function secured(caller: Caller, inside: string, tls?: TLSSocketOptions): Promise<void> {
  const options = tls ?? tlsOf(certificate);
  await caller.opens(starttls + mechanisms('PLAIN'));
  await caller.hears(/<starttls [^>]*\/>/);
  caller.says(proceed);
  await caller.secure(options);
  await caller.opens(inside);
}

const why = ({ outcome }: { readonly outcome: Negotiated }): unknown =>
  outcome.ok ? 'it went well' : { code: outcome.failure.code, remedy: outcome.failure.remedy };

describe('signing in', () => {
  it('is encrypted, proved by both sides, and ends with the features of a new stream', async () => {
    const { outcome, caller } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'));
      await scram(caller, 'sha256');
      await caller.opens(bindFeature);
    });
    expect(outcome).toMatchObject({ ok: true });
    if (!outcome.ok) return;
    expect(outcome.features.getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeDefined();
    expect(outcome.stream.secure).toBe(true);
    expect(caller.secured?.getProtocol()).toBe('TLSv1.3');
    outcome.stream.destroy();
  });

  it.each([
    ['SCRAM-SHA-512', 'sha512'],
    ['SCRAM-SHA-256', 'sha256'],
    ['SCRAM-SHA-1', 'sha1'],
  ] as const)('takes %s, and says that it would have bound itself to the channel', async (name, hash) => {
    let first = '';
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('X-NEW', 'PLAIN', name));
      first = await scram(caller, hash);
      await caller.opens(bindFeature);
    });
    expect(outcome.ok).toBe(true);
    expect(first).toMatch(/^y,,n=alice,/);
    if (outcome.ok) outcome.stream.destroy();
  });

  it.each([
    ['tls-exporter', 'TLSv1.3', ['tls-exporter']],
    ['tls-exporter', 'TLSv1.3', ['tls-server-end-point', 'tls-exporter']],
    ['tls-server-end-point', 'TLSv1.3', ['tls-unique', 'tls-server-end-point']],
    ['tls-unique', 'TLSv1.2', []],
  ] as const)(
    'binds itself to the channel by %s in %s where the server can (%j)',
    async (type, version, types) => {
      let first = '';
      const { outcome } = await play(async (caller) => {
        const tls = { ...tlsOf(certificate), maxVersion: version } as TLSSocketOptions;
        await secured(caller, mechanisms('SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS') + bindings(...types), tls);
        const socket = caller.secured;
        const data =
          type === 'tls-exporter'
            ? socket?.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
            : type === 'tls-unique'
              ? socket?.getPeerFinished()
              : createHash('sha256')
                  .update(new X509Certificate(tls.cert as Buffer).raw)
                  .digest();
        first = await scram(caller, 'sha1', data ?? Buffer.alloc(0));
        await caller.opens(bindFeature);
      });
      expect(first).toMatch(new RegExp(`^p=${type},,`));
      expect(why({ outcome })).toBe('it went well');
      if (outcome.ok) outcome.stream.destroy();
    },
  );

  it.each([
    ['knows none of the types that the server offers', ['tls-unique']],
    ['the server does not say which type it means', []],
  ])('says nothing of channel binding where it %s', async (_what, types) => {
    let first = '';
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS') + bindings(...types));
      first = await scram(caller, 'sha1');
      await caller.opens(bindFeature);
    });
    expect(first).toMatch(/^n,,/);
    if (outcome.ok) outcome.stream.destroy();
  });

  it('does without the binding after one refusal of it, for servers count those', async () => {
    const firsts: string[] = [];
    const { outcome } = await play(async (caller) => {
      await secured(
        caller,
        mechanisms('SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256') + bindings('tls-exporter'),
      );
      firsts.push(await caller.gives('auth'));
      caller.says(refusal('not-authorized'));
      firsts.push(await scram(caller, 'sha256'));
      await caller.opens(bindFeature);
    });
    expect(firsts.map((first) => first.slice(0, 3))).toEqual(['p=t', 'n,,']);
    if (outcome.ok) outcome.stream.destroy();
  });

  it('goes by the one way that the person allows, or not at all', async () => {
    let heard = '';
    const offer = mechanisms('SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN');
    const { outcome } = await play(
      async (caller) => {
        await secured(caller, offer);
        heard = await caller.hears(/<auth [^>]*mechanism="([^"]*)"/);
        caller.says(refusal('not-authorized'));
      },
      { mechanism: 'SCRAM-SHA-1' },
    );
    expect(heard).toBe('SCRAM-SHA-1');
    expect(why({ outcome })).toEqual({ code: 'auth-failed', remedy: 'ask-person' });
    const none = await play((caller) => secured(caller, offer), { mechanism: 'SCRAM-SHA-512' });
    expect(why(none)).toEqual({ code: 'auth-method', remedy: 'ask-person' });
  });

  it('shows its certificate by EXTERNAL, without a password', async () => {
    const [clientCertificate, clientKey] = await Promise.all([
      readFile(client.certificateFile, 'utf8'),
      readFile(client.keyFile, 'utf8'),
    ]);
    let [given, shown] = ['', ''];
    const { outcome } = await play(
      async (caller) => {
        const asking = { requestCert: true, rejectUnauthorized: false };
        await secured(caller, mechanisms('SCRAM-SHA-1', 'EXTERNAL'), {
          ...tlsOf(certificate),
          ...asking,
        });
        shown = caller.secured?.getPeerCertificate().subject.CN?.toString() ?? '';
        given = await caller.hears(/<auth [^>]*mechanism="EXTERNAL"[^>]*>([^<]*)</);
        caller.says(success());
        await caller.opens(bindFeature);
      },
      { tls: { caCertificate: authority.pem, clientCertificate, clientKey } },
    );
    expect({ given, shown }).toEqual({ given: '=', shown: 'client' });
    if (outcome.ok) outcome.stream.destroy();
  });

  it('goes on with the password where the certificate is nobody’s', async () => {
    const [clientCertificate, clientKey] = await Promise.all([
      readFile(client.certificateFile, 'utf8'),
      readFile(client.keyFile, 'utf8'),
    ]);
    const { outcome } = await play(
      async (caller) => {
        await secured(caller, mechanisms('SCRAM-SHA-1', 'EXTERNAL'));
        await caller.gives('auth');
        caller.says(refusal('not-authorized'));
        await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { tls: { caCertificate: authority.pem, clientCertificate, clientKey } },
    );
    expect(why({ outcome })).toBe('it went well');
    if (outcome.ok) outcome.stream.destroy();
  });

  it('gives a password as it is where nothing better is offered, and in TLS only', async () => {
    let given = '';
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN', 'ANONYMOUS', 'DIGEST-MD5'));
      given = await caller.gives('auth');
      caller.says(success());
      await caller.opens(bindFeature);
    });
    expect(given).toBe(`\0alice\0${password}`);
    if (outcome.ok) outcome.stream.destroy();
    const clear = await play((caller) => caller.opens(mechanisms('PLAIN')), { encrypted: false });
    expect(why(clear)).toEqual({ code: 'auth-method', remedy: 'ask-person' });
    expect(clear.caller.heard).not.toContain('<auth');
  });

  it('works in clear where the person wants that, by SCRAM', async () => {
    let first = '';
    const { outcome } = await play(
      async (caller) => {
        await caller.opens(mechanisms('PLAIN', 'SCRAM-SHA-1'));
        first = await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { encrypted: false },
    );
    expect(first).toMatch(/^n,,/);
    expect(outcome.ok && outcome.stream.secure).toBe(false);
    if (outcome.ok) outcome.stream.destroy();
  });
});

describe('a server that does not prove itself', () => {
  it.each([
    [
      'says success at once',
      async (caller: Caller) => {
        await caller.gives('auth');
        caller.says(success());
      },
    ],
    [
      'says success without a proof',
      async (caller: Caller) => {
        caller.asks(scramServer('sha1').first(await caller.gives('auth')));
        await caller.gives('response');
        caller.says(success());
      },
    ],
    [
      'says success with a wrong proof',
      async (caller: Caller) => {
        caller.asks(scramServer('sha1').first(await caller.gives('auth')));
        await caller.gives('response');
        caller.says(success(`v=${base64('01234567890123456789')}`));
      },
    ],
    [
      'wants a million rounds',
      async (caller: Caller) => {
        caller.asks(
          scramServer('sha1')
            .first(await caller.gives('auth'))
            .replace('i=4096', 'i=1000000'),
        );
      },
    ],
  ])('is not believed: it %s', async (_what, script) => {
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN', 'SCRAM-SHA-1'));
      await script(caller);
      await caller.opens(bindFeature);
    });
    expect(why({ outcome })).toEqual({ code: 'auth-failed', remedy: 'ask-person' });
    expect(JSON.stringify(outcome)).not.toContain(password);
  });

  it('is asked in one language only: a challenge where none belongs is no sign-in', async () => {
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN'));
      await caller.gives('auth');
      caller.asks('more');
    });
    expect(why({ outcome })).toEqual({ code: 'protocol-violation', remedy: 'retry' });
  });
});

describe('a sign-in that is refused', () => {
  it.each([
    ['account-disabled', 'banned', 'ask-person'],
    ['credentials-expired', 'auth-failed', 'ask-person'],
    ['encryption-required', 'auth-method', 'ask-person'],
    ['invalid-authzid', 'auth-failed', 'ask-person'],
    ['malformed-request', 'protocol-violation', 'retry'],
    ['mechanism-too-weak', 'auth-method', 'ask-person'],
    ['not-authorized', 'auth-failed', 'ask-person'],
    ['temporary-auth-failure', 'auth-failed', 'retry'],
    ['something-new', 'auth-failed', 'ask-person'],
  ])('is a state that somebody can act on: %s', async (condition, code, remedy) => {
    let tries = 0;
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN'));
      for (;;) {
        await caller.gives('auth');
        tries++;
        caller.says(refusal(condition, 'Not <b>today</b>'.replace(/<[^>]*>/g, '')));
      }
    });
    expect(why({ outcome })).toEqual({ code, remedy });
    expect(!outcome.ok && outcome.failure.detail).toBe('Not today');
    expect(tries).toBe(1);
  });

  it('spends a password once: no second way follows a proof', async () => {
    let tries = 0;
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'));
      for (;;) {
        const server = scramServer('sha256');
        caller.asks(server.first(await caller.gives('auth')));
        tries++;
        await caller.gives('response');
        caller.says(refusal('not-authorized'));
      }
    });
    expect(why({ outcome })).toEqual({ code: 'auth-failed', remedy: 'ask-person' });
    expect(tries).toBe(1);
  });

  it('goes on with the next way where the account has nothing to compare the first with', async () => {
    const { outcome } = await play(async (caller) => {
      await secured(caller, mechanisms('SCRAM-SHA-256', 'SCRAM-SHA-1'));
      await caller.gives('auth');
      caller.says(refusal('not-authorized'));
      await scram(caller, 'sha1');
      await caller.opens(bindFeature);
    });
    expect(why({ outcome })).toBe('it went well');
    if (outcome.ok) outcome.stream.destroy();
  });

  it('needs means: without a password or a certificate nothing is tried', async () => {
    const { outcome } = await play((caller) => secured(caller, mechanisms('PLAIN')), {
      password: undefined as never,
    });
    expect(why({ outcome })).toEqual({ code: 'auth-required', remedy: 'ask-person' });
  });
});

describe('encryption', () => {
  it('is of the domain’s certificate, wherever the server is', async () => {
    const wrong = await play((caller) => secured(caller, '', tlsOf(other)));
    expect(why(wrong)).toEqual({ code: 'tls-mismatch', remedy: 'ask-person' });
    expect(wrong.caller.heard).not.toContain('<auth');
  });

  it.each([
    ['is over', () => expired, {}, 'tls-expired'],
    [
      'is of an authority that nobody trusts',
      () => certificate,
      { caCertificate: undefined as never },
      'tls-untrusted',
    ],
    ['is not the pinned one', () => certificate, { certificateFingerprint: '00'.repeat(32) }, 'tls-mismatch'],
  ])('is not had with a certificate that %s', async (_what, which, tls, code) => {
    for (const directTls of [false, true]) {
      const { outcome, caller } = await play(
        async (caller) => {
          const options = tlsOf(which());
          if (directTls) await caller.secure(options);
          else await secured(caller, '', options);
          await caller.opens(mechanisms('PLAIN'));
        },
        { directTls, tls },
      );
      expect(why({ outcome })).toEqual({ code, remedy: 'ask-person' });
      expect(!outcome.ok && outcome.failure.detail).toMatch(/fingerprint is (?:[0-9A-F]{2}:){31}/);
      expect(caller.heard).not.toMatch(/<auth|mechanism/);
    }
  });

  it('trusts one pinned certificate, whatever its name and its date', async () => {
    const pinned = new X509Certificate(await readFile(expired.certificateFile)).fingerprint256;
    const { outcome } = await play(
      async (caller) => {
        await secured(caller, mechanisms('SCRAM-SHA-1'), tlsOf(expired));
        await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { tls: { certificateFingerprint: pinned } },
    );
    expect(why({ outcome })).toBe('it went well');
    if (outcome.ok) outcome.stream.destroy();
  });

  it('comes with the first byte where the target says so, with the name and the protocol told', async () => {
    let told: unknown;
    const { outcome } = await play(
      async (caller) => {
        await caller.secure({ ...tlsOf(certificate), ALPNProtocols: ['xmpp-client', 'xmpp-server'] });
        told = [
          caller.secured?.alpnProtocol,
          caller.secured && 'servername' in caller.secured && caller.secured.servername,
        ];
        await caller.opens(mechanisms('SCRAM-SHA-1'));
        await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { directTls: true },
    );
    expect(told).toEqual(['xmpp-client', domain]);
    expect(outcome.ok && outcome.stream.secure).toBe(true);
    if (outcome.ok) outcome.stream.destroy();
  });

  it('is never done without: a server that offers none gets nothing', async () => {
    const { outcome, caller } = await play((caller) => caller.opens(mechanisms('PLAIN', 'SCRAM-SHA-1')));
    expect(why({ outcome })).toEqual({ code: 'tls-untrusted', remedy: 'ask-person' });
    expect(caller.heard).not.toContain('<auth');
  });

  it('begins with nothing that was said in clear', async () => {
    const { outcome } = await play(async (caller) => {
      await caller.opens(starttls);
      await caller.hears(/<starttls [^>]*\/>/);
      caller.says(`${proceed}${header}${featuresOf(mechanisms('PLAIN'))}`);
      await caller.secure(tlsOf(certificate));
    });
    expect(why({ outcome })).toEqual({ code: 'protocol-violation', remedy: 'retry' });
  });

  it('fails at once where the connection ends, or something else than TLS comes, in the middle of it', async () => {
    const began = performance.now();
    const cut = await play(async (caller) => {
      await caller.opens(starttls);
      await caller.hears(/<starttls [^>]*\/>/);
      caller.says(proceed);
      await caller.hears(/^\x16/);
      caller.end();
    });
    expect(why(cut)).toEqual({ code: 'network-unreachable', remedy: 'retry' });
    const clear = await play(async (caller) => {
      await caller.opens(starttls);
      await caller.hears(/<starttls [^>]*\/>/);
      caller.says(proceed);
      await caller.hears(/^\x16/);
      caller.says(header);
    });
    expect(why(clear)).toEqual({ code: 'protocol-violation', remedy: 'retry' });
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('fails where the server cannot do it now', async () => {
    const { outcome } = await play(async (caller) => {
      await caller.opens(starttls);
      await caller.hears(/<starttls [^>]*\/>/);
      caller.says(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>`);
    });
    expect(why({ outcome })).toEqual({ code: 'network-unreachable', remedy: 'retry' });
  });
});

describe('a server that is no good', () => {
  const error = (content: string): string =>
    `${header}<stream:error>${content}<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>So it is.</text></stream:error></stream:stream>`;
  const condition = (name: string, text = ''): string =>
    `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</${name}>`;

  it.each([
    ['host-unknown', 'not-found', 'ask-person'],
    ['system-shutdown', 'server-shutdown', 'retry'],
    ['resource-constraint', 'rate-limited', 'retry'],
    ['conflict', 'resource-conflict', 'ask-person'],
    ['not-authorized', 'auth-failed', 'ask-person'],
    ['connection-timeout', 'timeout', 'retry'],
    ['bad-format', 'protocol-violation', 'retry'],
    ['toString', 'protocol-violation', 'retry'],
  ])('says why: %s', async (name, code, remedy) => {
    const { outcome } = await play(async (caller) => {
      await caller.hears(/<stream:stream [^>]*>/);
      caller.says(error(condition(name)));
    });
    expect(why({ outcome })).toEqual({ code, remedy });
    expect(!outcome.ok && outcome.failure.detail).toBe('So it is.');
  });

  it.each([
    ['xmpp2.example.org:9222', { host: 'xmpp2.example.org', port: 9_222, directTls: false }],
    ['xmpp2.example.org', { host: 'xmpp2.example.org', port: 5_222, directTls: false }],
    ['192.0.2.7', { host: '192.0.2.7', port: 5_222, directTls: false }],
    ['[2001:db8::7]:9222', { host: '2001:db8::7', port: 9_222, directTls: false }],
    ['2001:db8::7', { host: '2001:db8::7', port: 5_222, directTls: false }],
    ['xmpp2.example.org:99999', undefined],
    ['a b', undefined],
    ['', undefined],
  ])('sends us elsewhere, and we say where: %s', async (place, target) => {
    const { outcome } = await play(async (caller) => {
      await caller.hears(/<stream:stream [^>]*>/);
      caller.says(error(condition('see-other-host', place)));
    });
    expect(!outcome.ok && outcome.seeOther).toEqual(target);
  });

  it.each([
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'protocol-violation'],
    ['speaks an older XMPP', header.replace(` version='1.0'`, ''), 'protocol-violation'],
    ['speaks to other servers', header.replace('jabber:client', 'jabber:server'), 'protocol-violation'],
    ['opens its stream twice', header + header, 'protocol-violation'],
    ['begins with a stanza', `${header}<message/>`, 'protocol-violation'],
    ['sends more than a stranger may', `${header}<message><body>${'x'.repeat(70_000)}`, 'protocol-violation'],
    ['closes the stream at once', `${header}</stream:stream>`, 'server-shutdown'],
  ])('fails in order: it %s', async (_what, text, code) => {
    const { outcome, caller } = await play(async (caller) => {
      await caller.hears(/<stream:stream [^>]*>/);
      caller.says(text);
    });
    expect(why({ outcome })).toEqual({ code, remedy: 'retry' });
    await until('the connection is closed', () => caller.ended);
  });

  it('is given up when it says nothing, and when it is gone', async () => {
    const silent = await play((caller) => caller.hears(/<stream:stream [^>]*>/).then(() => undefined), {
      timings: { connect: 5_000, negotiate: 100, close: 100 },
    });
    expect(why(silent)).toEqual({ code: 'timeout', remedy: 'retry' });
    const gone = await play(async (caller) => {
      await caller.hears(/<stream:stream [^>]*>/);
      caller.end();
    });
    expect(why(gone)).toEqual({ code: 'network-unreachable', remedy: 'retry' });
  });

  it('is let go of when nobody wants it any more', async () => {
    const abort = new AbortController();
    const { outcome, caller } = await play(
      async (caller) => {
        await caller.hears(/<stream:stream [^>]*>/);
        abort.abort();
      },
      { signal: abort.signal },
    );
    expect(why({ outcome })).toEqual({ code: 'network-unreachable', remedy: 'retry' });
    await until('the connection is closed', () => caller.ended);
  });
});

describe('the stream', () => {
  /** A stream that is signed in, in clear, and what the server hears of it. */
  async function online(): Promise<{ stream: (Negotiated & { ok: true })['stream']; caller: Caller }> {
    const { outcome, caller } = await play(
      async (caller) => {
        await caller.opens(mechanisms('SCRAM-SHA-1'));
        await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { encrypted: false },
    );
    if (!outcome.ok) throw new Error(outcome.failure.detail);
    return { stream: outcome.stream, caller };
  }
  /** Hears a stream, and remembers. */
  function listen(stream: { handle(handler: object): void }): { told: string[]; endings: Ending[] } {
    const heard = { told: [] as string[], endings: [] as Ending[] };
    stream.handle({
      element: (element: Element) => heard.told.push(element.attrs.id ?? element.name),
      ended: (ending: Ending) => heard.endings.push(ending),
    });
    return heard;
  }
  const message = (id: string): string => `<message id='${id}'/>`;

  it('keeps what comes before somebody hears it', async () => {
    const { stream, caller } = await online();
    caller.says(message('1') + message('2'));
    const heard = listen(stream);
    await until('both are heard', () => heard.told.length === 2);
    caller.says('</stream:stream>');
    await until('it is over', () => heard.endings.length === 1);
    expect(heard.endings).toMatchObject([{ closed: true, failure: { code: 'server-shutdown' } }]);
  });

  it('hands nothing on while it is paused, and everything before its end', async () => {
    const { stream, caller } = await online();
    const told: string[] = [];
    const endings: Ending[] = [];
    stream.handle({
      element: ({ attrs }) => {
        told.push(attrs.id ?? '');
        if (attrs.id === '2') stream.pause();
      },
      ended: (ending) => endings.push(ending),
    });
    caller.says([1, 2, 3, 4].map((id) => message(String(id))).join(''));
    await until('the pause is reached', () => told.length === 2);
    caller.end();
    await until('the server is gone', () => caller.ended);
    expect(told).toEqual(['1', '2']);
    expect(endings).toEqual([]);
    stream.resume();
    await until('it is over', () => endings.length === 1);
    expect(told).toEqual(['1', '2', '3', '4']);
    expect(endings).toMatchObject([{ closed: false }]);
  });

  it('writes elements whole and harmless, in their order', async () => {
    const { stream, caller } = await online();
    listen(stream);
    for (const id of ['1', '2', '3']) {
      stream.send(xml('message', { xmlns: 'jabber:client', id }, xml('body', null, `\x01${id}\ud800<&`)));
    }
    expect(await caller.hears(/<message.*<\/message>/)).toBe(
      ['1', '2', '3'].map((id) => `<message id="${id}"><body>${id}&lt;&amp;</body></message>`).join(''),
    );
    stream.destroy();
  });

  it('says farewell and waits for the answer', async () => {
    const { stream, caller } = await online();
    const heard = listen(stream);
    stream.send(xml('presence', { type: 'unavailable' }));
    const closed = stream.close();
    await caller.hears(/<presence type="unavailable"\/><\/stream:stream>/);
    caller.says(`${message('late')}</stream:stream>`);
    await closed;
    expect(heard.told).toEqual(['late']);
    expect(heard.endings).toEqual([{ closed: true }]);
  });

  it('leaves a server alone that does not answer the farewell', async () => {
    const { stream, caller } = await online();
    const heard = listen(stream);
    await stream.close();
    expect(heard.endings).toEqual([{ closed: false }]);
    await until('the connection is closed', () => caller.ended);
  });

  it('can end without a farewell, with all that was written', async () => {
    const { stream, caller } = await online();
    const heard = listen(stream);
    stream.send(xml('message', { id: 'last' }, 'x'.repeat(500_000)));
    const dropped = stream.drop();
    caller.says(message('unheard'));
    await dropped;
    await until('the connection is closed', () => caller.ended);
    expect(caller.heard).toMatch(/x<\/message>$/);
    expect(heard.told).toEqual([]);
    expect(heard.endings).toEqual([{ closed: false }]);
  });

  it.each([
    ['not-well-formed', '<message>&foo;</message>'],
    ['restricted-xml', '<message><!-- --></message>'],
    ['policy-violation', `<message><body>${'x'.repeat(1_100_000)}`],
  ])('tells the server why it is not heard any more: %s', async (condition, text) => {
    const { stream, caller } = await online();
    const heard = listen(stream);
    caller.says(message('1') + text);
    await until('it is over', () => heard.endings.length === 1);
    expect(heard.told).toEqual(['1']);
    expect(heard.endings).toMatchObject([
      { closed: true, fault: { condition }, failure: { code: 'protocol-violation' } },
    ]);
    await caller.hears(
      new RegExp(
        `<stream:error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>`,
      ),
    );
  });

  it('gives a peer up that reads nothing', async () => {
    const { stream } = await online();
    const heard = listen(stream);
    const much = xml('message', null, 'x'.repeat(100_000));
    for (let sent = 0; sent < 200 && heard.endings.length === 0; sent++) stream.send(much);
    // Told in the next turn where this one's slice has been used up.
    await until('it is given up', () => heard.endings.length > 0);
    expect(heard.endings).toMatchObject([{ closed: false, failure: { code: 'timeout' } }]);
  });

  it('lets others have their turn in a burst', async () => {
    const { stream, caller } = await online();
    let [handed, turns] = [0, 0];
    const most: number[] = [];
    stream.handle({
      element: () => {
        handed++;
        const until = performance.now() + 1;
        while (performance.now() < until);
      },
      lull: () => most.push(handed),
      ended: () => undefined,
    });
    const ticking = setInterval(() => turns++, 1);
    caller.says(message('x').repeat(400));
    await until('all are handed on', () => handed === 400);
    clearInterval(ticking);
    expect(most.length).toBeGreaterThan(10);
    expect(turns).toBeGreaterThan(5);
    stream.destroy();
  });

  it.each([
    // As large as a chunk: a turn brings tens of them.
    { size: 65_000, count: 200, ms: 5 },
    // Small and dear: they come faster than they are handed on.
    { size: 1_000, count: 1_000, ms: 2 },
  ])(
    'does for $size bytes that cost $ms ms no more in a turn than its slice, and reads no further ahead than that',
    async ({ size, count, ms }) => {
      let socket: Socket | undefined;
      const connected = (made: unknown): void => {
        socket ??= (made as { readonly socket: Socket }).socket;
      };
      subscribe('net.client.socket', connected);
      const { stream, caller } = await online();
      unsubscribe('net.client.socket', connected);
      const stanza = `<message>${'x'.repeat(size)}</message>`;
      const before = socket?.bytesRead ?? 0;
      let [handed, inTurn, most, ahead] = [0, 0, 0, 0];
      stream.handle({
        element: () => {
          handed++;
          most = Math.max(most, ++inTurn);
          ahead = Math.max(ahead, (socket?.bytesRead ?? Infinity) - before - handed * stanza.length);
          const until = performance.now() + ms;
          while (performance.now() < until);
        },
        ended: () => undefined,
      });
      const turn = (): void => {
        inTurn = 0;
        if (handed < count) setImmediate(turn);
      };
      turn();
      caller.says(stanza.repeat(count));
      await until('all are handed on', () => handed === count, 20_000);
      // Those that begin within 15 ms, and one that had been begun.
      expect(most).toBeLessThanOrEqual(Math.floor(15 / ms) + 1);
      expect(ahead).toBeLessThan(4 * 65_536);
      stream.destroy();
    },
  );
});

describe('making the account', () => {
  const offer = `<register xmlns='http://jabber.org/features/iq-register'/>`;
  const inside = mechanisms('SCRAM-SHA-1') + offer;
  const form = (content: string): string =>
    `<iq type='result' id='register-get'><query xmlns='jabber:iq:register'>${content}</query></iq>`;
  const plainForm = form('<instructions>Choose.</instructions><username/><password/>');
  const unknown = async (caller: Caller): Promise<void> => {
    await secured(caller, inside);
    await caller.gives('auth');
    caller.says(refusal('not-authorized'));
  };

  it('happens where signing in is refused and the settings want it, and signs in then', async () => {
    let set = '';
    const { outcome } = await play(
      async (caller) => {
        await unknown(caller);
        await caller.hears(
          /<iq type="get" id="register-get"[^>]*><query xmlns="jabber:iq:register"\/><\/iq>/,
        );
        caller.says(plainForm);
        set = await caller.hears(/<iq type="set".*?<\/iq>/);
        caller.says(`<iq type='result' id='register-set'/>`);
        await scram(caller, 'sha1');
        await caller.opens(bindFeature);
      },
      { register: true },
    );
    expect(why({ outcome })).toBe('it went well');
    expect(set).toContain(`<username>alice</username><password>${password}</password>`);
    if (outcome.ok) outcome.stream.destroy();
  });

  it('fills a form in where the server has one', async () => {
    let set = '';
    await play(
      async (caller) => {
        await unknown(caller);
        await caller.hears(/register-get/);
        const field = (name: string, type: string, value = ''): string =>
          `<field var='${name}' type='${type}'><value>${value}</value><required/></field>`;
        caller.says(
          form(
            `<x xmlns='jabber:x:data' type='form'>${field('FORM_TYPE', 'hidden', 'jabber:iq:register')}${field('username', 'text-single')}${field('password', 'text-private')}<field var='email' type='text-single'/></x>`,
          ),
        );
        set = await caller.hears(/<iq type="set".*?<\/iq>/);
        caller.says(`<iq type='error' id='register-set'/>`);
      },
      { register: true },
    );
    expect(set).toContain('<field var="FORM_TYPE"><value>jabber:iq:register</value></field>');
    expect(set).toContain('<field var="username"><value>alice</value></field>');
    expect(set).not.toContain('email');
  });

  it.each([
    ['wants more than we have', form('<username/><password/><email/>'), '', 'auth-required'],
    [
      'wants a picture read',
      form(
        `<x xmlns='jabber:x:data' type='form'><field var='username'/><field var='ocr'><required/></field></x>`,
      ),
      '',
      'auth-required',
    ],
    ['knows the account', plainForm, 'conflict', 'auth-failed'],
    ['does not like the name', plainForm, 'not-acceptable', 'auth-failed'],
    ['makes no more of them', plainForm, 'resource-constraint', 'rate-limited'],
    ['makes none at all', plainForm, 'not-allowed', 'not-allowed'],
  ])('is told to the person where the server %s', async (_what, answer, condition, code) => {
    const { outcome, caller } = await play(
      async (caller) => {
        await unknown(caller);
        await caller.hears(/register-get/);
        caller.says(answer);
        if (condition === '') return;
        await caller.hears(/register-set/);
        caller.says(
          `<iq type='error' id='register-set'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
        );
      },
      { register: true },
    );
    expect(why({ outcome })).toMatchObject({ code });
    expect(JSON.stringify(outcome)).not.toContain(password);
    if (condition === '') expect(caller.heard).not.toContain(password);
  });

  it('is not tried where nobody asked for it, nor with a server that could not prove itself', async () => {
    const unasked = await play(unknown);
    expect(why(unasked)).toEqual({ code: 'auth-failed', remedy: 'ask-person' });
    expect(unasked.caller.heard).not.toContain('register');
    const liar = await play(
      async (caller) => {
        await secured(caller, inside);
        await caller.gives('auth');
        caller.says(success());
      },
      { register: true },
    );
    expect(why(liar)).toEqual({ code: 'auth-failed', remedy: 'ask-person' });
    expect(liar.caller.heard).not.toContain('register');
  });
});

it('hashes a certificate as the certificate itself is signed', async () => {
  const { raw } = new X509Certificate(await readFile(certificate.certificateFile));
  expect(endPoint(raw)).toEqual(createHash('sha256').update(raw).digest());
  expect(endPoint(Buffer.from('3003020101', 'hex'))).toBeUndefined();
  expect(endPoint(Buffer.alloc(0))).toBeUndefined();
  expect(serialise(xml('a'))).toBe('<a/>');
});
