import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Peer } from './peer.js';

const execute = promisify(execFile);

/** The tool that makes certificates; Node can read them and not make them. */
export const openssl: Peer = { name: 'OpenSSL', package: 'openssl', binaries: ['/usr/bin/openssl'] };

/** A certificate and its key, as files, signed by an authority that only the test knows. */
export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface Authority {
  /** PEM text of the authority: what a client must be told to trust. */
  readonly pem: string;
  readonly certificateFile: string;
  /**
   * Signs a certificate for names and addresses.
   * @param options.expired its time was over yesterday.
   */
  issue(
    label: string,
    names: readonly string[],
    options?: { readonly expired?: boolean },
  ): Promise<Certificate>;
}

/** Makes an authority in a scratch directory. */
export async function makeAuthority(directory: string): Promise<Authority> {
  const at = (name: string): string => join(directory, name);
  const tool = async (...args: readonly string[]): Promise<void> => {
    await execute('openssl', args);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout'];
  const subject = ['-subj', '/CN=Parley test authority'];
  const [certificate, secret] = [at('authority.crt'), at('authority.key')];
  await tool('req', '-x509', ...key, secret, '-out', certificate, '-days', '2', ...subject);
  return {
    pem: await readFile(certificate, 'utf8'),
    certificateFile: certificate,
    async issue(label, names, options = {}) {
      const made = { certificateFile: at(`${label}.crt`), keyFile: at(`${label}.key`) };
      const [request, extensions] = [at(`${label}.csr`), at(`${label}.ext`)];
      const kinds = names.map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`));
      await writeFile(extensions, `subjectAltName=${kinds.join(',')}\n`);
      await tool('req', ...key, made.keyFile, '-out', request, '-subj', `/CN=${label}`);
      const days = options.expired === true ? '-1' : '2';
      const signer = ['-CA', certificate, '-CAkey', secret, '-CAcreateserial', '-days', days];
      await tool(
        ...['x509', '-req', '-in', request, ...signer],
        ...['-extfile', extensions, '-out', made.certificateFile],
      );
      return made;
    },
  };
}
