import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { systemClock } from './clock.js';
import { RequestFailed } from './endings.js';
import type { SessionOptions } from './options.js';
import type { PduInput } from './pdu.js';
import type { SmeAddress } from './fields.js';
import { Session } from './session.js';
import { statusName } from './statuses.js';

/** What an ESME binds as (SMPP 3.4 §2.2): to send, to receive, or both. */
export type BindAs = 'transmitter' | 'receiver' | 'transceiver';

export interface EsmeOptions extends SessionOptions {
  readonly host: string;
  readonly port: number;
  readonly as: BindAs;
  readonly systemId: string;
  readonly password?: string;
  readonly systemType?: string;
  /** 0x34 where nothing is said. */
  readonly interfaceVersion?: number;
  readonly addressRange?: SmeAddress;
  /** Where names lead; the system's own where nothing is said. */
  readonly lookup?: LookupFunction;
  /** TLS from the first octet on; plain TCP where nothing is said. */
  readonly tls?: ConnectionOptions;
  /** A judgement of one's own over the server's certificate, before anything is written: what it says ends the attempt. */
  readonly trust?: (socket: TLSSocket) => Error | undefined;
  /** How long connecting may take, TLS included; 10,000 milliseconds. */
  readonly connectMs?: number;
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
}

/** A session that the SMSC has taken. */
export interface Esme {
  readonly session: Session;
  /** What the SMSC calls itself. */
  readonly smscId: string;
  /** The version that it speaks; without one it knows no optional parameters (§5.3.2.25). */
  readonly interfaceVersion?: number;
}

/** No bound session came of it. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  /** `connect`: no connection, with the system's error as the cause. `trust`: `trust` said no. `bind`: the SMSC did. */
  readonly stage: 'connect' | 'trust' | 'bind';
  /** The SMSC's answer to the bind, where it gave one. */
  readonly status?: number;

  constructor(stage: 'connect' | 'trust' | 'bind', why: string, more: { status?: number; cause?: unknown }) {
    super(why, more.cause === undefined ? undefined : { cause: more.cause });
    this.stage = stage;
    if (more.status !== undefined) this.status = more.status;
  }
}

/**
 * Connects to an SMSC and binds. Whoever wants several binds on one link calls it several times; nothing is shared.
 *
 * @throws ConnectFailed
 */
export async function connectEsme(options: EsmeOptions): Promise<Esme> {
  const socket = await connected(options);
  const { trust, signal } = options;
  const distrust = options.tls === undefined ? undefined : trust?.(socket as TLSSocket);
  if (distrust !== undefined) {
    socket.destroy();
    throw new ConnectFailed('trust', distrust.message, { cause: distrust });
  }
  const session = new Session(socket, options);
  const giveUp = (): void => {
    session.close();
  };
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await bind(session, options);
  } catch (error) {
    session.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

async function bind(session: Session, options: EsmeOptions): Promise<Esme> {
  const { as, systemId, password, systemType, interfaceVersion, addressRange } = options;
  const pdu: PduInput<'bind_transceiver' | 'bind_transmitter' | 'bind_receiver'> = {
    command: `bind_${as}`,
    systemId,
    ...(password !== undefined && { password }),
    ...(systemType !== undefined && { systemType }),
    ...(interfaceVersion !== undefined && { interfaceVersion }),
    ...(addressRange !== undefined && { addressRange }),
  };
  const answer = await session.request(pdu).catch((cause: unknown) => {
    const why = cause instanceof RequestFailed ? cause.message : 'the bind cannot be written';
    throw new ConnectFailed('bind', why, { cause });
  });
  const { status } = answer;
  if (status !== 0 || answer.command === 'generic_nack') {
    throw new ConnectFailed('bind', `the SMSC answered the bind with ${statusName(status)}`, { status });
  }
  const version = answer.tlvs.scInterfaceVersion;
  return {
    session,
    smscId: answer.systemId,
    ...(version !== undefined && { interfaceVersion: version }),
  };
}

function connected(options: EsmeOptions): Promise<Socket> {
  const { host, port, lookup, tls, connectMs = 10_000, clock = systemClock, signal } = options;
  const where = { host, port, ...(lookup !== undefined && { lookup }) };
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? connectTcp(where) : connectTls({ ...tls, ...where });
    const settle = (): void => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail).off('close', onClose);
    };
    const fail = (cause: Error): void => {
      settle();
      socket.on('error', () => undefined).destroy();
      reject(new ConnectFailed('connect', `no connection: ${cause.message}`, { cause }));
    };
    const onClose = (): void => {
      fail(new Error('the connection was ended at once'));
    };
    const onAbort = (): void => {
      fail(new Error('given up'));
    };
    const cancel = clock.after(connectMs, () => {
      fail(Object.assign(new Error(`none within ${String(connectMs)} ms`), { code: 'ETIMEDOUT' }));
    });
    socket.on('error', fail).on('close', onClose);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle();
      resolve(socket);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}
