/*
 * What goes wrong under every protocol alike, translated once into our closed codes: sockets and certificates.
 */
import { failure, type Failure } from '#model';

/**
 * Why a server's certificate is not trusted.
 * @param code OpenSSL's or Node's name for what is wrong.
 * @param fingerprint SHA-256 of the certificate, for the person to compare and perhaps to pin.
 */
export function certificateFailure(code: string, fingerprint: string): Failure {
  const seen = `Its SHA-256 fingerprint is ${fingerprint}.`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return failure('tls-expired', `The certificate of the server is not valid today. ${seen}`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return failure('tls-mismatch', `The certificate of the server is for another name. ${seen}`);
  }
  const why = 'The certificate of the server is not signed by an authority we trust.';
  return failure('tls-untrusted', `${why} ${seen}`);
}

/** Why a socket could not be opened or broke. */
export function socketFailure(error: Error & { code?: string }): Failure {
  const code = error.code ?? '';
  if (code.includes('CERTIFICATE_REQUIRED')) {
    return failure('auth-required', 'The server takes only those who show it a certificate.');
  }
  // Alerts about a certificate are about ours: of the server's we are the judge.
  if (/ALERT_(?:BAD_|UNSUPPORTED_)?CERTIFICATE|ALERT_UNKNOWN_CA/.test(code)) {
    return failure('auth-failed', 'The server does not accept our certificate.');
  }
  if (code === 'ECONNREFUSED') return failure('network-unreachable', 'Nothing listens there.');
  if (code === 'ETIMEDOUT') return failure('timeout', 'The server does not answer.');
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return failure('protocol-violation', 'The server does not speak TLS as we do on this port.');
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return failure(
      'network-unreachable',
      'There is no server of that name, or names cannot be resolved now.',
    );
  }
  return failure('network-unreachable', `The connection failed (${code === '' ? error.name : code}).`);
}
