import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import { describeWithPeers, makeAuthority, openssl, scratchDirectory } from '#peers';
import { HttpClient } from './http.js';

describeWithPeers('a request to a provider over TLS', [openssl], () => {
  it('says nothing to a server whose certificate is not trusted, and all to one that is pinned or signed', async () => {
    using scratch = scratchDirectory('provider');
    const authority = await makeAuthority(scratch.path);
    const files = await authority.issue('provider', ['provider.example.org']);
    const [cert, key] = await Promise.all([readFile(files.certificateFile), readFile(files.keyFile)]);
    let asked = 0;
    const server = createServer({ cert, key }, (_request, response) => {
      asked++;
      response.end('ok');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = async (host: string, tls: object) => {
      const http = new HttpClient(new TestContext(), { connect: 2_000, answer: 2_000 }, tls);
      const answer = await http.ask({ method: 'GET', url: new URL(`https://${host}:${String(port)}/`) });
      http.destroy();
      return answer;
    };
    try {
      const caCertificate = authority.pem;
      const stranger = await ask('provider.example.org', {});
      expect(stranger).toMatchObject({ outcome: 'not-sent', failure: { code: 'tls-untrusted' } });
      const another = await ask('other.example.org', { caCertificate });
      expect(another).toMatchObject({ outcome: 'not-sent', failure: { code: 'tls-mismatch' } });
      expect(asked).toBe(0);
      expect(await ask('provider.example.org', { caCertificate })).toMatchObject({ outcome: 'answered' });
      const certificateFingerprint = new X509Certificate(cert).fingerprint256;
      expect(await ask('other.example.org', { certificateFingerprint })).toMatchObject({
        outcome: 'answered',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
