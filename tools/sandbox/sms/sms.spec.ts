/* The sandbox as an ESME sees it: what it takes, what it reports, and all that it can do wrong. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ConnectFailed,
  connectEsme,
  parseReceipt,
  piecesOf,
  planText,
  statuses,
  type Carriage,
  type Esme,
  type EsmeOptions,
  type Pdu,
  type Receipt,
  type Request,
} from '#protocols/smpp';
import { until } from '../until.js';
import { addressOf, numberOf } from './numbers.js';
import { alicesPhone, bobsPhone, type SandboxSmsOptions } from './options.js';
import { startSandboxSms, type SandboxSms } from './sandbox.js';

const ours = '+12025550100';
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function sandboxWith(options: SandboxSmsOptions = {}): Promise<SandboxSms> {
  const sandbox = await startSandboxSms({ retryMs: 20, ...options });
  open.push(() => sandbox[Symbol.asyncDispose]());
  return sandbox;
}

/** Binds; what is delivered is taken down, and answered unless said otherwise. */
async function bind(
  { port }: SandboxSms,
  more: Partial<EsmeOptions> = {},
): Promise<{ esme: Esme; heard: Pdu<'deliver_sm'>[] }> {
  const heard: Pdu<'deliver_sm'>[] = [];
  const onRequest = (request: Request): undefined => {
    if (request.command === 'deliver_sm') heard.push(request);
    return undefined;
  };
  const esme = await connectEsme({
    ...{ host: '127.0.0.1', port, as: 'transceiver', systemId: 'alice', onRequest },
    ...more,
  });
  open.push(() => {
    esme.session.close();
  });
  return { esme, heard };
}

function submitTo(to: string, text = 'hello') {
  return {
    command: 'submit_sm',
    source: addressOf(ours),
    destination: addressOf(to),
    registeredDelivery: 1,
    shortMessage: Buffer.from(text),
  } as const;
}

/** Sends a text in as many parts as it takes; gives their ids. */
async function text(esme: Esme, to: string, words: string, carriage: Carriage = 'udh8'): Promise<string[]> {
  const plan = planText(words, { carriage });
  if ('problem' in plan) throw new Error(plan.detail);
  const answers = piecesOf(plan, 7).map(async ({ udhi, dataCoding, shortMessage, messagePayload, sar }) =>
    esme.session.request({
      ...submitTo(to),
      esmClass: udhi ? 0x40 : 0,
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
    }),
  );
  return (await Promise.all(answers)).map((answer) => ('messageId' in answer ? answer.messageId : ''));
}

async function receiptsIn(heard: readonly Pdu<'deliver_sm'>[], count = 1): Promise<Receipt[]> {
  return until(`${String(count)} receipts`, () => {
    const found = heard.map((pdu) => parseReceipt(pdu, new Date())).filter((one) => one !== undefined);
    return found.length >= count ? found : undefined;
  });
}

const long = 'All that is long is said in parts, and what is said in parts is put together again. '.repeat(5);

describe('a phone', () => {
  it('shows what is submitted to it', async () => {
    const sandbox = await sandboxWith();
    const { esme } = await bind(sandbox);
    expect(await esme.session.request(submitTo(alicesPhone))).toMatchObject({ status: 0 });
    expect(await sandbox.phone(alicesPhone).waitFor('hello')).toEqual({
      from: ours,
      text: 'hello',
      parts: 1,
      isFlash: false,
    });
    expect(sandbox.submissions).toMatchObject([
      { from: ours, to: alicesPhone, status: 0, systemId: 'alice' },
    ]);
  });

  it.each<[Carriage, string]>([
    ['udh8', long],
    ['udh16', `${long} 🦜`],
    ['sar', long],
    ['payload', `${long} €`],
  ])('puts parts together that say so by %s', async (carriage, words) => {
    const sandbox = await sandboxWith();
    const { esme } = await bind(sandbox);
    await text(esme, bobsPhone, words, carriage);
    await sandbox.phone(bobsPhone).waitFor(words);
    expect(sandbox.phone(bobsPhone).incomplete).toBe(0);
  });

  it('shows a message of class 0 as one', async () => {
    const sandbox = await sandboxWith();
    const { esme } = await bind(sandbox);
    await esme.session.request({ ...submitTo(alicesPhone), dataCoding: 0x10 });
    expect(await sandbox.phone(alicesPhone).waitFor('hello')).toMatchObject({ isFlash: true });
  });

  it('answers, and a long answer comes in parts', async () => {
    const sandbox = await sandboxWith();
    const phone = sandbox.phone(alicesPhone);
    phone.hears = ({ from, text: words }) => {
      phone.send(from, words === 'hello' ? long : '?');
    };
    const { esme, heard } = await bind(sandbox);
    await esme.session.request({ ...submitTo(alicesPhone), registeredDelivery: 0 });
    await until('three parts', () => (heard.length === 3 ? true : undefined));
    expect(heard.map(({ source, destination }) => [numberOf(source), numberOf(destination)])).toEqual(
      Array.from({ length: 3 }, () => [alicesPhone, ours]),
    );
    expect(heard.map(({ esmClass, shortMessage }) => [esmClass, shortMessage[5]])).toEqual([
      [0x40, 1],
      [0x40, 2],
      [0x40, 3],
    ]);
  });

  it('may write to a short code', async () => {
    const sandbox = await sandboxWith();
    sandbox.phone(bobsPhone).send('12345', 'STOP');
    const { heard } = await bind(sandbox);
    await until('it is heard', () => heard[0]);
    expect(heard[0]).toMatchObject({ destination: { addr: '12345' } });
    expect(numberOf(addressOf('12345'))).toBe('12345');
  });
});

describe('a receipt', () => {
  it.each([
    ['decimal', /^\d+$/, (id: string) => id],
    ['hex', /^[\da-f]+$/, (id: string) => id],
    ['hex-decimal', /^[\da-f]+$/, (id: string) => String(parseInt(id, 16)).padStart(10, '0')],
    ['decimal-hex', /^\d+$/, (id: string) => Number(id).toString(16).toUpperCase()],
    ['uuid', /^[\da-f]{8}-/, (id: string) => id],
  ] as const)('calls a message as is usual where ids are %s', async (ids, form, receipted) => {
    const sandbox = await sandboxWith({ ids });
    const { esme, heard } = await bind(sandbox);
    const [id = ''] = await text(esme, alicesPhone, 'hello');
    expect(id).toMatch(form);
    expect(await receiptsIn(heard)).toMatchObject([{ id: receipted(id), state: 'delivered' }]);
  });

  it('may be told in parameters, or in both', async () => {
    for (const receipts of ['tlv', 'both'] as const) {
      const sandbox = await sandboxWith({ receipts });
      const { esme, heard } = await bind(sandbox);
      const [id] = await text(esme, alicesPhone, 'hello');
      expect(await receiptsIn(heard)).toMatchObject([{ id, state: 'delivered' }]);
      expect(heard[0]?.tlvs.messageState).toBe(2);
      expect(heard[0]?.shortMessage.length === 0).toBe(receipts === 'tlv');
    }
  });

  it('tells the fate that the number has', async () => {
    const sandbox = await sandboxWith();
    const { esme, heard } = await bind(sandbox);
    const answer = await esme.session.request(submitTo('+12025550198'));
    expect(answer.status).toBe(statuses.ESME_RINVDSTADR);
    await text(esme, '+12025550196', 'hello');
    const [gone] = await text(esme, '+12025550199', 'hello');
    expect(await receiptsIn(heard)).toMatchObject([{ id: gone, state: 'undeliverable', error: '001' }]);
    const [old] = await text(esme, '+12025550197', 'hello');
    expect(await receiptsIn(heard, 2)).toMatchObject([{}, { id: old, state: 'expired' }]);
    const query = { command: 'query_sm', messageId: old ?? '', source: addressOf(ours) } as const;
    expect(await esme.session.request(query)).toMatchObject({ messageState: 3 });
  });

  it('is sent only where it is asked for', async () => {
    const sandbox = await sandboxWith();
    const { esme, heard } = await bind(sandbox);
    for (const registeredDelivery of [0, 2]) {
      await esme.session.request({ ...submitTo(alicesPhone), registeredDelivery });
    }
    await esme.session.request({ ...submitTo('+12025550199'), registeredDelivery: 2 });
    await receiptsIn(heard);
    await sandbox.untilDelivered();
    expect(sandbox.deliveries).toHaveLength(1);
  });

  it('may come before the answer to the submit', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ receiptsFirst: true });
    const { esme, heard } = await bind(sandbox);
    let before = 0;
    const answered = esme.session.request(submitTo(alicesPhone)).then(() => {
      before = heard.length;
    });
    await answered;
    expect(before).toBe(1);
  });

  it('goes to a link of whoever submitted, and waits for one', async () => {
    const sandbox = await sandboxWith();
    const other = await bind(sandbox, { systemId: 'bob' });
    const { esme } = await bind(sandbox, { as: 'transmitter' });
    await text(esme, alicesPhone, 'hello');
    await until('it waits', () => (sandbox.undelivered === 1 ? true : undefined));
    const { heard } = await bind(sandbox, { as: 'receiver' });
    await receiptsIn(heard);
    expect(other.heard).toEqual([]);
  });
});

describe('what goes wrong', () => {
  it('binds are refused, for a wrong password or at will', async () => {
    const sandbox = await sandboxWith({ accounts: [{ systemId: 'alice', password: 'secret' }] });
    const fails = async (more: Partial<EsmeOptions>): Promise<number | undefined> => {
      const error: unknown = await bind(sandbox, more).catch((why: unknown) => why);
      return error instanceof ConnectFailed ? error.status : undefined;
    };
    expect(await fails({ password: 'wrong' })).toBe(statuses.ESME_RINVPASWD);
    expect(await fails({ systemId: 'mallory' })).toBe(statuses.ESME_RINVSYSID);
    sandbox.misbehave({ refuseBinds: statuses.ESME_RBINDFAIL });
    expect(await fails({ password: 'secret' })).toBe(statuses.ESME_RBINDFAIL);
    sandbox.misbehave({});
    await bind(sandbox, { password: 'secret' });
    expect(sandbox.binds).toBe(4);
  });

  it('too fast a sender is throttled', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ perSecond: 3 });
    const { esme } = await bind(sandbox, { window: 20 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => esme.session.request(submitTo(alicesPhone))),
    );
    const taken = answers.filter(({ status }) => status === 0).length;
    // A second may have ended meanwhile.
    expect([3, 6]).toContain(taken);
    expect(answers.filter(({ status }) => status === statuses.ESME_RTHROTTLED)).toHaveLength(12 - taken);
    expect(sandbox.phone(alicesPhone).shown).toHaveLength(taken);
  });

  it('submits are refused', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ refuseSubmits: statuses.ESME_RMSGQFUL });
    const { esme } = await bind(sandbox);
    expect(await esme.session.request(submitTo(alicesPhone))).toMatchObject({ status: 0x14 });
    expect(sandbox.phone(alicesPhone).shown).toEqual([]);
  });

  it('answers never come though the message arrived', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ stallAnswers: true });
    const { esme } = await bind(sandbox, { responseMs: 50 });
    await expect(esme.session.request(submitTo(alicesPhone))).rejects.toMatchObject({ reason: 'timeout' });
    expect(sandbox.phone(alicesPhone).shown).toHaveLength(1);
  });

  it('the link is cut in place of an answer, and the receipt comes by the next one', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ cutAfter: 1 });
    const { esme } = await bind(sandbox, { as: 'transmitter' });
    expect(await esme.session.request(submitTo(alicesPhone))).toMatchObject({ status: 0 });
    await expect(esme.session.request(submitTo(alicesPhone))).rejects.toMatchObject({ fate: 'left' });
    const again = await bind(sandbox);
    await receiptsIn(again.heard, 2);
    expect(sandbox.phone(alicesPhone).shown).toHaveLength(2);
    await again.esme.session.request(submitTo(alicesPhone));
  });

  it('deliveries come twice, parts backwards, receipts late', async () => {
    const sandbox = await sandboxWith();
    sandbox.misbehave({ doubleDeliveries: true, partsBackwards: true, holdReceipts: true });
    const { esme, heard } = await bind(sandbox);
    sandbox.phone(alicesPhone).send(ours, long);
    await until('all parts, twice', () => (heard.length === 6 ? true : undefined));
    expect(heard.map(({ shortMessage }) => shortMessage[5])).toEqual([3, 3, 2, 2, 1, 1]);
    await text(esme, alicesPhone, 'hello');
    await until('receipts wait', () => (sandbox.undelivered === 2 ? true : undefined));
    sandbox.misbehave({});
    await receiptsIn(heard, 2);
  });

  it('what is refused for now is delivered again, what is refused for good is not', async () => {
    const sandbox = await sandboxWith();
    const answers = [
      statuses.ESME_RX_T_APPN,
      statuses.ESME_RMSGQFUL,
      statuses.ESME_ROK,
      statuses.ESME_RX_P_APPN,
    ];
    await bind(sandbox, { onRequest: () => ({ status: answers.shift() ?? 0 }) });
    sandbox.phone(alicesPhone).send(ours, 'one');
    await sandbox.untilDelivered();
    sandbox.phone(alicesPhone).send(ours, 'two');
    await sandbox.untilDelivered();
    expect(sandbox.deliveries.map((one) => one.answers)).toEqual([[0x64, 0x14, 0], [0x65]]);
  });

  it('links are cut, fall silent, end in order, or babble', async () => {
    const sandbox = await sandboxWith();
    const ends: [() => unknown, string][] = [
      [
        () => {
          sandbox.cut();
        },
        'network',
      ],
      [
        () => {
          sandbox.deafen();
        },
        'dead',
      ],
      [
        () => {
          sandbox.unbind();
        },
        'unbound-by-peer',
      ],
      [
        () => {
          sandbox.babble(Buffer.from('0000000f', 'hex'));
        },
        'protocol',
      ],
      [() => sandbox.restart(), 'ended-by-peer'],
    ];
    for (const [mischief, reason] of ends) {
      const { esme } = await bind(sandbox, reason === 'dead' ? { enquireMs: 60, enquireAnswerMs: 60 } : {});
      await sandbox.untilBound();
      await mischief();
      expect((await esme.session.closed).reason).toBe(reason);
    }
  });

  it('a restart keeps phones and what waits', async () => {
    const sandbox = await sandboxWith();
    sandbox.phone(alicesPhone).send(ours, 'before');
    const { port } = sandbox;
    await sandbox.restart();
    expect(sandbox.port).toBe(port);
    const { heard } = await bind(sandbox);
    await sandbox.untilDelivered();
    expect(heard.map(({ shortMessage }) => shortMessage.toString())).toEqual(['before']);
  });
});

describe('one submit to several', () => {
  it('is answered with those that it does not reach', async () => {
    const sandbox = await sandboxWith();
    const { esme } = await bind(sandbox);
    const { command, destination, ...rest } = submitTo(alicesPhone);
    const answer = await esme.session.request({
      ...rest,
      command: 'submit_multi',
      destinations: [destination, addressOf(bobsPhone), addressOf('+12025550198')],
    });
    expect(command).toBe('submit_sm');
    expect(answer).toMatchObject({
      status: 0,
      unsuccesses: [{ addr: '12025550198', errorStatus: statuses.ESME_RINVDSTADR }],
    });
    await sandbox.phone(alicesPhone).waitFor('hello');
    await sandbox.phone(bobsPhone).waitFor('hello');
  });
});
