/* The message centre itself: what becomes of a message that is submitted, and of one that a phone sends. */
import {
  buildReceiptText,
  esmClass,
  receiptTlvs,
  statuses,
  type Bound,
  type MessageState,
  type Pdu,
  type PduInput,
  type Piece,
  type Reply,
  type Request,
} from '#protocols/smpp';
import { Ids, type MessageIds } from './ids.js';
import { addressOf, numberOf } from './numbers.js';
import { usualFates, type Fate, type SandboxSmsOptions, type SmsMischief } from './options.js';
import { Outbox } from './outbox.js';
import type { SandboxPhone } from './phone.js';

/** A message that the centre took, or refused. */
export interface Submission {
  readonly pdu: Pdu<'submit_sm' | 'data_sm' | 'submit_multi'>;
  readonly from: string;
  readonly to: string;
  /** Who submitted it. */
  readonly systemId: string;
  /** What it was called in the answer, if it was taken. */
  readonly id: string | undefined;
  readonly status: number;
  /** By the sandbox's clock. */
  readonly at: number;
}

/** How long a receipt may take to be taken before the submit is answered all the same. */
const receiptFirstMs = 300;
const reports: Readonly<Record<'delivered' | 'undeliverable' | 'expired', [MessageState, string]>> = {
  delivered: ['delivered', '000'],
  undeliverable: ['undeliverable', '001'],
  expired: ['expired', '027'],
};

export class Centre {
  readonly phones = new Map<string, SandboxPhone>();
  readonly submissions: Submission[] = [];
  readonly outbox: Outbox;
  /** Binds that were asked for. */
  binds = 0;
  readonly #options: SandboxSmsOptions;
  readonly #cut: () => void;
  readonly #ids: Ids;
  readonly #now: () => number;
  readonly #states = new Map<string, { readonly from: string; readonly state: MessageState }>();
  #mischief: SmsMischief = {};
  #taken = 0;
  #second = 0;
  #inSecond = 0;

  /** @param cut cuts all links. */
  constructor(options: SandboxSmsOptions, bound: () => Iterable<Bound>, cut: () => void) {
    this.#options = options;
    this.#cut = cut;
    this.#now = options.now ?? Date.now;
    this.#ids = new Ids(options.ids ?? 'decimal');
    this.outbox = new Outbox(bound, options.retryMs ?? 200);
  }

  set mischief(mischief: SmsMischief) {
    this.#mischief = mischief;
    this.#taken = 0;
    this.outbox.holdsReceipts = mischief.holdReceipts === true;
    this.outbox.pump();
  }

  /** Says who may bind. */
  admit(bind: Bound['bind']): { readonly status?: number; readonly systemId?: string } {
    this.binds++;
    const { refuseBinds } = this.#mischief;
    if (refuseBinds !== undefined) return { status: refuseBinds };
    const { accounts } = this.#options;
    const account = accounts?.find(({ systemId }) => systemId === bind.systemId);
    if (accounts !== undefined && account === undefined) return { status: statuses.ESME_RINVSYSID };
    if (account !== undefined && account.password !== bind.password) {
      return { status: statuses.ESME_RINVPASWD };
    }
    return { systemId: 'sandbox' };
  }

  /** Answers whoever has bound. */
  serve(request: Request, from: Bound): Promise<Reply> | Reply {
    const { command } = request;
    if (command === 'submit_sm' || command === 'data_sm' || command === 'submit_multi') {
      return this.#submit(request, from);
    }
    if (command === 'query_sm') return this.#query(request);
    const never: Partial<Record<Request['command'], number>> = {
      cancel_sm: statuses.ESME_RCANCELFAIL,
      replace_sm: statuses.ESME_RREPLACEFAIL,
    };
    return { status: never[command] ?? statuses.ESME_RINVCMDID };
  }

  async #submit(pdu: Submission['pdu'], from: Bound): Promise<Reply> {
    const refused = this.#refusal();
    const everyone = pdu.command === 'submit_multi' ? pdu.destinations : [pdu.destination];
    const named = everyone.flatMap((to) => ('distributionList' in to ? [] : [to]));
    const ids = this.#ids.next();
    const source = numberOf(pdu.source);
    const results = named.map((address) => {
      const to = numberOf(address);
      const fate = this.#fateOf(to);
      const status = refused ?? (fate === 'refused' ? statuses.ESME_RINVDSTADR : statuses.ESME_ROK);
      const id = status === statuses.ESME_ROK ? ids.answered : undefined;
      const { systemId } = from.bind;
      this.submissions.push({ pdu, from: source, to, systemId, id, status, at: this.#now() });
      return { address, to, fate, status };
    });
    const taken = results.filter(({ status }) => status === statuses.ESME_ROK);
    const [first] = results;
    if (first === undefined) return { status: statuses.ESME_RINVDLNAME };
    if (taken.length === 0) return { status: first.status };
    const receipts = taken.map(({ to, fate }) => this.#deliverTo(pdu, source, to, fate, ids, from));
    const { receiptsFirst, stallAnswers, cutAfter } = this.#mischief;
    this.#taken += taken.length;
    if (cutAfter !== undefined && this.#taken > cutAfter) {
      this.#taken = 0;
      this.#mischief = { ...this.#mischief, cutAfter: Infinity };
      this.#cut();
    }
    if (stallAnswers === true) return new Promise(() => undefined);
    if (receiptsFirst === true) {
      const enough = new Promise<void>((resolve) => {
        later(receiptFirstMs, resolve);
      });
      await Promise.race([Promise.all(receipts.map((report) => report())), enough]);
    } else {
      for (const report of receipts) {
        later(this.#options.receiptAfterMs ?? 0, () => void report());
      }
    }
    if (pdu.command !== 'submit_multi') return { messageId: ids.answered };
    const failed = results.filter(({ status }) => status !== statuses.ESME_ROK);
    const unsuccesses = failed.map(({ address, status }) => ({ ...address, errorStatus: status }));
    return { messageId: ids.answered, unsuccesses };
  }

  /** What the mischief of the day says to a submit. */
  #refusal(): number | undefined {
    const { refuseSubmits, perSecond } = this.#mischief;
    if (refuseSubmits !== undefined) return refuseSubmits;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0];
    if (perSecond === undefined) return undefined;
    return ++this.#inSecond > perSecond ? statuses.ESME_RTHROTTLED : undefined;
  }

  /** Brings it to the phone, and says how to report that. */
  #deliverTo(
    pdu: Submission['pdu'],
    from: string,
    to: string,
    fate: Fate,
    ids: MessageIds,
    submitter: Bound,
  ): () => Promise<void> {
    const at = this.#now();
    const [state, error] = fate === 'silent' || fate === 'refused' ? reports.delivered : reports[fate];
    this.#states.set(ids.answered, { from, state });
    if (state === 'delivered') this.phones.get(to)?.take(from, fieldsOf(pdu));
    return async () => {
      const wanted = pdu.registeredDelivery & 0x03;
      const isAsked = wanted === 1 || (wanted === 2 && state !== 'delivered');
      if (!isAsked || fate === 'silent') return;
      const { receipts = 'text' } = this.#options;
      const times = { submitted: new Date(at), done: new Date(this.#now()) };
      const text = buildReceiptText({ id: ids.receipted, state, error, ...times });
      await this.#put(
        {
          command: 'deliver_sm',
          source: addressOf(to),
          destination: pdu.source,
          esmClass: esmClass.deliveryReceipt,
          ...(receipts !== 'tlv' && { shortMessage: Buffer.from(text, 'latin1') }),
          ...(receipts !== 'text' && { tlvs: receiptTlvs({ id: ids.receipted, state }) }),
        },
        submitter.bind.systemId,
        true,
      );
    };
  }

  /** From a phone to whoever is bound. */
  carry(from: string, to: string, pieces: readonly Piece[]): void {
    const ordered = this.#mischief.partsBackwards === true ? [...pieces].reverse() : pieces;
    for (const { udhi, dataCoding, shortMessage, messagePayload, sar } of ordered) {
      void this.#put(
        {
          command: 'deliver_sm',
          source: addressOf(from),
          destination: addressOf(to),
          esmClass: udhi ? esmClass.udhi : esmClass.default,
          dataCoding,
          shortMessage,
          tlvs: {
            ...(messagePayload !== undefined && { messagePayload }),
            ...(sar !== undefined && {
              sarMsgRefNum: sar.reference,
              sarTotalSegments: sar.of,
              sarSegmentSeqnum: sar.number,
            }),
          },
        },
        undefined,
        false,
      );
    }
  }

  async #put(pdu: PduInput<'deliver_sm'>, systemId: string | undefined, isReceipt: boolean): Promise<void> {
    const first = this.outbox.put(pdu, systemId, isReceipt);
    if (this.#mischief.doubleDeliveries === true) void this.outbox.put(pdu, systemId, isReceipt);
    await first;
  }

  #query({ messageId, source }: Pdu<'query_sm'>): Reply {
    const known = this.#states.get(messageId);
    if (known?.from !== numberOf(source)) return { status: statuses.ESME_RQUERYFAIL };
    const { messageState = 0 } = receiptTlvs({ id: messageId, state: known.state });
    return { messageId, messageState };
  }

  #fateOf(number: string): Fate {
    const fates = this.#options.fates ?? usualFates;
    const ends = Object.keys(fates).filter((end) => number.endsWith(end));
    const end = ends.sort((a, b) => b.length - a.length)[0];
    return end === undefined ? 'delivered' : (fates[end] ?? 'delivered');
  }
}

/** What is to be reported is reported after a restart too. */
function later(ms: number, call: () => void): void {
  setTimeout(call, ms).unref();
}

function fieldsOf(pdu: Submission['pdu']): Parameters<SandboxPhone['take']>[1] {
  const { messagePayload, sarMsgRefNum, sarTotalSegments, sarSegmentSeqnum } = pdu.tlvs;
  const hasSar =
    sarMsgRefNum !== undefined && sarTotalSegments !== undefined && sarSegmentSeqnum !== undefined;
  return {
    esmClass: pdu.esmClass,
    dataCoding: pdu.dataCoding,
    shortMessage: pdu.command === 'data_sm' ? Buffer.alloc(0) : pdu.shortMessage,
    ...(messagePayload !== undefined && { messagePayload }),
    ...(hasSar && { sar: { reference: sarMsgRefNum, of: sarTotalSegments, number: sarSegmentSeqnum } }),
  };
}
