import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { Incoming } from './incoming.js';
import { aRequest, aStack, closeAll } from './stack.fixture.js';
import type { Hop, HopTls } from './transport/places.js';

let key = '';
let cert = '';

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), 'sip-wire-'));
  const [keyFile, certFile] = [join(directory, 'key'), join(directory, 'cert')];
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    keyFile,
    '-out',
    certFile,
  ];
  const names = ['-subj', '/CN=example.org', '-addext', 'subjectAltName=DNS:example.org', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...made, ...names], { stdio: 'ignore' });
  [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')];
  rmSync(directory, { recursive: true });
});

afterEach(closeAll);

async function tlsPeer(): Promise<{ hop: (tls: HopTls) => Hop; asked: Incoming[] }> {
  const asked: Incoming[] = [];
  const { stack } = aStack({
    onRequest: (incoming) => {
      asked.push(incoming);
      incoming.respond(200);
    },
  });
  const tls = { key, cert, requestCert: true, rejectUnauthorized: false, ca: cert };
  const { port } = await stack.listen({ transport: 'tls', host: '127.0.0.1', port: 0, tls });
  return { asked, hop: (own) => ({ transport: 'tls', address: '127.0.0.1', port, tls: own }) };
}

describe('TLS', () => {
  it('carries requests, and shows each side who the other is', async () => {
    const { asked, hop } = await tlsPeer();
    const { stack } = aStack();
    const trusting = { ca: cert, servername: 'example.org' };
    const mutual = hop({ key: 'mutual', options: { ...trusting, key, cert } });
    const plain = hop({ key: 'plain', options: trusting });
    for (const one of [mutual, mutual, plain]) {
      const answer = await stack.request({ request: aRequest(), hops: [one] });
      expect(answer).toMatchObject({ answer: 'response', response: { status: 200 } });
      expect(answer.flow?.certificate?.subjectAltName).toBe('DNS:example.org');
      expect(answer.request?.headers.get('via')).toMatch(/^SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;branch=/);
    }
    expect(asked.map(({ flow }) => flow.isAuthorised)).toEqual([true, true, false]);
    expect(asked.map(({ source }) => source.certificate?.subject)).toEqual([
      'CN=example.org',
      'CN=example.org',
      undefined,
    ]);
    // One connection for hops that may share it, another for who shows something else.
    expect(new Set(asked.map(({ flow }) => flow.id)).size).toBe(2);
  });

  it('carries nothing to whom it does not trust', async () => {
    const { asked, hop } = await tlsPeer();
    const { stack } = aStack();
    const untrusted = await stack.request({ request: aRequest(), hops: [hop({ key: 'a', options: {} })] });
    expect(untrusted).toMatchObject({ why: 'not-sent', left: false, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    const seen: (string | undefined)[] = [];
    const judge = (socket: TLSSocket): string => {
      seen.push(socket.getPeerX509Certificate()?.subject);
      return 'not the pinned one';
    };
    const judged = hop({ key: 'b', options: { rejectUnauthorized: false }, judge });
    const answer = await stack.request({ request: aRequest(), hops: [judged] });
    expect(answer).toMatchObject({ why: 'not-sent', left: false, detail: 'not the pinned one' });
    expect(seen).toEqual(['CN=example.org']);
    expect(asked).toEqual([]);
  });
});
