import { formatParams, parseParams, type Params } from '../grammar.js';
import { formatHost, parseHost } from '../uri.js';

/** One hop of a Via (RFC 3261 §20.42). */
export interface Via {
  /** `SIP/2.0`. */
  readonly protocol: string;
  /** In capitals: `UDP`, `TCP`, `TLS`, or any other. */
  readonly transport: string;
  /** Of sent-by: in small letters, an IPv6 address without brackets. */
  readonly host: string;
  readonly port?: number;
  /** `branch`, `received`, `rport` (RFC 3581) and others. */
  readonly params: Params;
}

const sentProtocol =
  /^[ \t]*([-.!%*_+`'~0-9A-Za-z]+)[ \t]*\/[ \t]*([-.!%*_+`'~0-9A-Za-z]+)[ \t]*\/[ \t]*([-.!%*_+`'~0-9A-Za-z]+)[ \t]+([^\s;,"<>]+(?:[ \t]*:[ \t]*[0-9]+)?)/;

/** Reads one value of a Via; a field may have several (`Headers.list`). */
export function parseVia(value: string): Via | undefined {
  const match = sentProtocol.exec(value);
  const [all = '', name = '', version = '', transport = '', sentBy = ''] = match ?? [];
  const by = parseHost(sentBy);
  const params = parseParams(value, all.length);
  if (match === null || by === undefined || params === undefined) return undefined;
  return {
    protocol: `${name.toUpperCase()}/${version}`,
    transport: transport.toUpperCase(),
    ...by,
    params,
  };
}

export function formatVia(via: Via): string {
  return `${via.protocol}/${via.transport} ${formatHost(via.host, via.port)}${formatParams(via.params)}`;
}
