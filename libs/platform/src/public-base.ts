import type { Config } from './config.js';

/** What we use of a request, as Fastify tells it of trusted proxies. */
interface Asked {
  readonly protocol: string;
  /** With the port, where there is one. */
  readonly host: string;
}

/**
 * Where others reach us, without a slash at its end: what PARLEY_PUBLIC_URL says, else as this request reached us, else on
 * this machine.
 */
export function publicBase(config: Config, asked?: Asked): string {
  if (config.publicUrl) return config.publicUrl.href.replace(/\/$/, '');
  return asked === undefined ? localBase(config) : `${asked.protocol}://${asked.host}`;
}

/** What is listened on everywhere is reached on this machine. */
function localBase({ host, port }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${String(port)}`;
}
