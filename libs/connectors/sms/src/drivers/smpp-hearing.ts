/* What a message centre hands us: texts from phones, and receipts. It is answered when the house has it. */
import type { Kept } from '#connector/session';
import { parseReceipt, readMessage, statuses, type Coding, type Request } from '#protocols/smpp';
import type { DriverParts } from '../driver.js';
import { fromTon } from '../sms.addresses.js';
import { receiptFailure } from './smpp-failures.js';
import type { MessageIds } from './smpp-ids.js';

const codings: Readonly<Record<'gsm' | 'latin1' | 'ascii', Coding>> = {
  gsm: 'gsm7',
  latin1: 'latin1',
  ascii: 'ascii',
};

/** What goes into the answer. */
export interface Reply {
  readonly status: number;
}

/** Takes what was delivered, and says what to answer. */
export async function hear(
  request: Request<'deliver_sm' | 'data_sm'>,
  { settings, upward, context }: DriverParts,
  ids: MessageIds,
): Promise<Reply> {
  const at = new Date(context.clock.now());
  const receipt = parseReceipt(request, at);
  if (receipt !== undefined) {
    const failure = receiptFailure(receipt);
    const state =
      failure !== undefined
        ? 'failed'
        : receipt.state === 'delivered' || receipt.state === 'unknown'
          ? receipt.state
          : 'sent';
    const about = ids.meant(receipt.id);
    return answer(
      await upward.reported({
        about,
        state,
        ...(failure !== undefined && { failure }),
        at: receipt.done ?? at,
      }),
    );
  }
  const { region, smpp } = settings;
  const from = fromTon(request.source, region);
  const to = fromTon(request.destination, region);
  const body = readMessage(fieldsOf(request), codings[smpp.defaultCoding]);
  return answer(await upward.heard({ from, to, at, body }));
}

function fieldsOf(request: Request<'deliver_sm' | 'data_sm'>): Parameters<typeof readMessage>[0] {
  const { esmClass, dataCoding, tlvs } = request;
  const { messagePayload, sarMsgRefNum, sarTotalSegments, sarSegmentSeqnum } = tlvs;
  return {
    esmClass,
    dataCoding,
    shortMessage: request.command === 'deliver_sm' ? request.shortMessage : Buffer.alloc(0),
    ...(messagePayload !== undefined && { messagePayload }),
    ...(sarMsgRefNum !== undefined &&
      sarTotalSegments !== undefined &&
      sarSegmentSeqnum !== undefined && {
        sar: { reference: sarMsgRefNum, of: sarTotalSegments, number: sarSegmentSeqnum },
      }),
  };
}

function answer(kept: Kept): Reply {
  switch (kept.kept) {
    case 'kept':
      return { status: statuses.ESME_ROK };
    case 'refused':
      return { status: statuses.ESME_RX_R_APPN };
    case 'not-kept':
    // Nobody knows whether it is stored: delivered again, it is told from the first.
    case 'silent':
      return { status: statuses.ESME_RX_T_APPN };
  }
}
