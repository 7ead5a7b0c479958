/* What a SIP sandbox can be told to be. Absent means a well-behaved registrar with presence that lets nobody in but its own. */
import type { DigestAlgorithm, Timers } from '#protocols/sip';

export interface SandboxSipAccount {
  readonly user: string;
  readonly password: string;
}

export interface SandboxSipOptions {
  /** The domain of its people; `sip.sandbox` unless said otherwise. */
  readonly domain?: string;
  /** A loopback port, of UDP and TCP; any free one unless said otherwise. */
  readonly port?: number;
  readonly tlsPort?: number;
  /** With it a second port speaks TLS. PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly accounts?: readonly SandboxSipAccount[];
  /** Who lives here without a socket; bob and carol unless said otherwise. */
  readonly residents?: readonly string[];
  /** What challenges ask for, in this order; MD5 and SHA-256 unless said otherwise. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** How long a nonce is good; milliseconds. */
  readonly nonceMs?: number;
  /**
   * Who answers when residents ask for an account's presence: the server, by what was published, or the account's own phones,
   * to which the question is sent.
   */
  readonly presence?: 'server' | 'phones';
  /** Who may see what is published: everybody, or those who were let (`admit`). */
  readonly watchers?: 'all' | 'admitted';
  /** The shortest registration that is taken; seconds, one unless said otherwise. */
  readonly leastExpires?: number;
  /** When a message that was not taken is offered again; milliseconds, 200 unless said otherwise. */
  readonly retryMs?: number;
  readonly timers?: Partial<Timers>;
}

/** What the server and the way to it do wrong, on purpose. */
export interface SipMischief {
  /** One packet in so many is lost, both ways (UDP); the same ones for the same seed. */
  readonly loses?: { readonly of: number; readonly seed: number };
  /** Every packet to clients comes twice (UDP). */
  readonly repeats?: boolean;
  /** Before every packet to clients comes one of nonsense (UDP). */
  readonly garbage?: boolean;
  /** Every octet to clients is a segment of its own (TCP). */
  readonly splits?: boolean;
  /** So many octets a second to clients (TCP). */
  readonly slow?: number;
  /** Nothing passes in either direction. */
  readonly holds?: boolean;
  /** Every message is delivered twice, by two transactions, as to somebody on two transports. */
  readonly doubles?: boolean;
  /** What every request but REGISTER is answered with. */
  readonly refuses?: { readonly status: number; readonly retryAfter?: number };
  /** What every REGISTER is answered with. */
  readonly refusesRegistration?: { readonly status: number; readonly retryAfter?: number };
  /** A nonce is good for one request. */
  readonly staleNonces?: boolean;
  /** Requests are taken and never answered. */
  readonly silent?: boolean;
}
