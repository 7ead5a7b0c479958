/* A trunk over mutual TLS: the authority counts, and the name in the certificate. */
import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { describeWithPeers, makeAuthority, openssl, scratchDirectory, type Authority } from '#peers';
import type { HopTls } from '#protocols/sip';
import { Neighbour, trunk } from './trunk.fixture.js';

async function shown(
  authority: Authority,
  label: string,
  name: string,
): Promise<{ cert: string; key: string }> {
  const { certificateFile, keyFile } = await authority.issue(label, [name]);
  return { cert: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}

describeWithPeers('a trunk over mutual TLS', [openssl], () => {
  it('lets in who shows a certificate of its authority for the name of a peer, and nobody else', async () => {
    using scratch = scratchDirectory('trunk');
    using elsewhere = scratchDirectory('elsewhere');
    const [ours, other] = [await makeAuthority(scratch.path), await makeAuthority(elsewhere.path)];
    const server = await shown(ours, 'server', '127.0.0.1');
    const peer = {
      name: 'neighbour',
      transport: 'tls',
      domains: ['example.com'],
      trust: 'certificate',
      certificateName: 'sip.example.com',
    };
    const { port, house } = await trunk([peer], {
      transport: 'tls',
      caCertificate: ours.pem,
      secrets: { serverKey: server.key },
      settings: { serverCertificate: server.cert },
    });
    const neighbour = await Neighbour.start();
    const statusWith = async (key: string, certificate?: { cert: string; key: string }): Promise<number> => {
      const tls: HopTls = { key, options: { ca: ours.pem, ...certificate } };
      return (await neighbour.say(port, { tls })).status;
    };
    expect(await statusWith('right', await shown(ours, 'right', 'sip.example.com'))).toBe(200);
    expect(await statusWith('none')).toBe(403);
    expect(await statusWith('name', await shown(ours, 'name', 'sip.example.net'))).toBe(403);
    expect(await statusWith('wildcard', await shown(ours, 'wildcard', '*.example.com'))).toBe(403);
    expect(await statusWith('forged', await shown(other, 'forged', 'sip.example.com'))).toBe(403);
    expect(house.heard()).toHaveLength(1);
  });
});
