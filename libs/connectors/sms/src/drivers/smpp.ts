/* The driver for SMPP 3.4: finds the message centre, signs in, and hands what it hears to the session. */
import type { TLSSocket } from 'node:tls';
import { distrust, fieldsOf, lookupAmong, readNote, socketFailure, tlsOptions } from '#connector/session';
import { failure, type Failure } from '#model';
import { ConnectFailed, connectEsme, statuses, Throttle, type Session } from '#protocols/smpp';
import type { Driver, DriverParts, Line } from '../driver.js';
import { statusFailure } from './smpp-failures.js';
import { hear } from './smpp-hearing.js';
import { MessageIds } from './smpp-ids.js';
import { SmppLine, type Role } from './smpp-line.js';

const evidenceKey = 'sms.ids';

export class SmppDriver implements Driver {
  readonly #parts: DriverParts;
  #ids: MessageIds | undefined;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  async open(signal: AbortSignal): Promise<Line | Failure> {
    const { context, settings } = this.#parts;
    const ids = await this.#messageIds();
    const { perSecond } = settings.smpp;
    const throttle = new Throttle({ ...(perSecond !== undefined && { perSecond }), clock: context.clock });
    const line = new SmppLine({
      ...this.#parts,
      ids,
      throttle,
      bind: (role, given) => this.#bind(role, ids, given),
    });
    return (await line.open(signal)) ?? line;
  }

  async #messageIds(): Promise<MessageIds> {
    const { context, account, settings } = this.#parts;
    if (this.#ids !== undefined) return this.#ids;
    const noted = fieldsOf((await readNote(context, account, evidenceKey))?.value);
    const evidence = { hexAnswers: noted['hexAnswers'] === true, hexReceipts: noted['hexReceipts'] === true };
    this.#ids ??= new MessageIds(settings.smpp.messageIds, evidence, (seen) => {
      this.#parts.note(evidenceKey, { ...seen });
    });
    return this.#ids;
  }

  async #bind(role: Role, ids: MessageIds, signal: AbortSignal): Promise<Session | Failure> {
    const { context, settings, timings } = this.#parts;
    const { smpp } = settings;
    const { clientKey, password = '' } = await context.secrets();
    const turn = await context.turn({ host: smpp.host, port: smpp.port });
    if (signal.aborted || turn.turn === 'closed') return failure('network-unreachable');
    if (turn.turn === 'refused') return turn.failure;
    const trust = { ...smpp, ...(clientKey !== undefined && { clientKey }) };
    const tls = smpp.tls ? tlsOptions(trust) : undefined;
    if (tls !== undefined && 'code' in tls) return tls;
    let suspicion: Failure | undefined;
    try {
      const { session } = await connectEsme({
        host: smpp.host,
        port: smpp.port,
        as: role,
        systemId: smpp.systemId,
        password,
        systemType: smpp.systemType,
        addressRange: { ton: 0, npi: 0, addr: smpp.addressRange },
        lookup: lookupAmong(turn.addresses),
        ...(tls !== undefined && {
          tls,
          trust: (socket: TLSSocket) => {
            suspicion = distrust(socket, trust);
            return suspicion === undefined ? undefined : new Error(suspicion.code);
          },
        }),
        connectMs: timings.connect,
        responseMs: timings.answer,
        enquireMs: timings.idle,
        enquireAnswerMs: timings.answer,
        window: smpp.window,
        // What is read and not answered is with the house, which holds so much at most.
        incomingLimit: Math.max(1, Math.floor(context.emitLimit / 2 / smpp.binds)),
        clock: context.clock,
        signal,
        onRequest: (request) =>
          request.command === 'deliver_sm' || request.command === 'data_sm'
            ? hear(request, this.#parts, ids)
            : { status: statuses.ESME_RINVCMDID },
      });
      return session;
    } catch (error) {
      if (suspicion !== undefined) return suspicion;
      return connectFailure(error);
    }
  }
}

function connectFailure(error: unknown): Failure {
  if (!(error instanceof ConnectFailed)) return failure('internal', 'The connection could not be prepared.');
  if (error.status !== undefined) return statusFailure(error.status);
  if (error.cause !== undefined) return socketFailure(error.cause as Error);
  return failure('timeout', 'The message centre does not answer.');
}
