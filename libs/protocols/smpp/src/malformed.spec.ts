import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bodies, commandIds, type CommandName } from './commands.js';
import { answerTo, decode } from './decode.js';
import { encode } from './encode.js';
import { MalformedPdu } from './errors.js';
import type { PduInput } from './pdu.js';
import { statuses } from './statuses.js';

/** A PDU of these octets behind its header. */
function frame(command: CommandName | number, body: Buffer | string, status = 0): Buffer {
  const octets = typeof body === 'string' ? Buffer.from(body.replaceAll(' ', ''), 'hex') : body;
  const header = Buffer.alloc(16);
  header.writeUInt32BE(16 + octets.length, 0);
  header.writeUInt32BE(typeof command === 'number' ? command : commandIds[command], 4);
  header.writeUInt32BE(status, 8);
  header.writeUInt32BE(7, 12);
  return Buffer.concat([header, octets]);
}

function faultOf(bytes: Buffer): MalformedPdu {
  try {
    decode(bytes);
  } catch (error) {
    if (error instanceof MalformedPdu) return error;
    throw error;
  }
  throw new Error('it was read without a complaint');
}

/** A whole submit_sm with something behind it. */
function submitWith(more: string): Buffer {
  return frame('submit_sm', `${'00'.repeat(17)}${more}`);
}

const cases: [what: string, bytes: Buffer, field: string, offset: number, answer: keyof typeof statuses][] = [
  ['a command that is none', frame(0x0000_00aa, ''), 'command_id', 4, 'ESME_RINVCMDID'],
  ['an answer that is none', frame(0x8000_00aa, ''), 'command_id', 4, 'ESME_RINVCMDID'],
  ['a submit without a body', frame('submit_sm', ''), 'service_type', 16, 'ESME_RINVCMDLEN'],
  ['a service type without end', frame('submit_sm', '4142'), 'service_type', 16, 'ESME_RINVSERTYP'],
  [
    'a service type that is too long',
    frame('submit_sm', '414243444546 00 00'.padEnd(60, '0')),
    'service_type',
    16,
    'ESME_RINVSERTYP',
  ],
  ['a submit that ends in the source', frame('submit_sm', '00 01'), 'source_addr_npi', 18, 'ESME_RINVCMDLEN'],
  ['a source without end', frame('submit_sm', '00 01 01 3132'), 'source_addr', 19, 'ESME_RINVSRCADR'],
  [
    'a source that is too long',
    frame('submit_sm', `00 01 01 ${'31'.repeat(21)} 00 00 00`),
    'source_addr',
    19,
    'ESME_RINVSRCADR',
  ],
  [
    'a destination that is too long',
    frame('submit_sm', `00 01 01 00 01 01 ${'31'.repeat(30)} 00`),
    'destination_addr',
    22,
    'ESME_RINVDSTADR',
  ],
  [
    'a schedule of 15 characters',
    frame('submit_sm', `00 000000 000000 000000 ${'30'.repeat(15)}00 ${'00'.repeat(7)}`),
    'schedule_delivery_time',
    26,
    'ESME_RINVSCHED',
  ],
  [
    'a validity without end',
    frame('submit_sm', `00 000000 000000 000000 00 ${'30'.repeat(10)}`),
    'validity_period',
    27,
    'ESME_RINVEXPIRY',
  ],
  [
    'a message shorter than it says',
    frame('deliver_sm', `${'00'.repeat(16)} 05 41424344`),
    'sm_length',
    32,
    'ESME_RINVMSGLEN',
  ],
  [
    'a message of 255 octets',
    frame('deliver_sm', `${'00'.repeat(16)} ff ${'41'.repeat(255)}`),
    'sm_length',
    32,
    'ESME_RINVMSGLEN',
  ],
  [
    'a PDU that ends before sm_length',
    frame('submit_sm', '00'.repeat(16)),
    'sm_length',
    32,
    'ESME_RINVCMDLEN',
  ],
  ['one octet too many', submitWith('00'), 'optional parameter', 33, 'ESME_RINVOPTPARSTREAM'],
  [
    'a parameter that ends in its length',
    submitWith('0424 00'),
    'optional parameter',
    33,
    'ESME_RINVOPTPARSTREAM',
  ],
  ['a payload beyond the PDU', submitWith('0424 0005 4142'), 'message_payload', 33, 'ESME_RINVOPTPARSTREAM'],
  [
    'an unknown parameter beyond the PDU',
    submitWith('1401 ffff'),
    'optional parameter 0x1401',
    33,
    'ESME_RINVOPTPARSTREAM',
  ],
  ['a short integer', submitWith('020c 0001 05'), 'sar_msg_ref_num', 37, 'ESME_RINVPARLEN'],
  ['a long integer', submitWith('020e 0002 0005'), 'sar_total_segments', 37, 'ESME_RINVPARLEN'],
  ['an empty integer', submitWith('0427 0000'), 'message_state', 37, 'ESME_RINVPARLEN'],
  [
    'a network error of two octets',
    submitWith('0423 0002 0300'),
    'network_error_code',
    37,
    'ESME_RINVPARLEN',
  ],
  ['a NUL within an id', submitWith('001e 0003 41 00 42'), 'receipted_message_id', 37, 'ESME_RINVPARLEN'],
  [
    'an id of 65 characters',
    submitWith(`001e 0041 ${'41'.repeat(65)}`),
    'receipted_message_id',
    37,
    'ESME_RINVPARLEN',
  ],
  ['a callback number too short', submitWith('0381 0003 010203'), 'callback_num', 37, 'ESME_RINVPARLEN'],
  ['no destinations', frame('submit_multi', '00 000000 00'), 'number_of_dests', 20, 'ESME_RINVNUMDESTS'],
  [
    'fewer destinations than it says',
    frame('submit_multi', '00 000000 02 01 01 01 31 00'),
    'dest_flag',
    26,
    'ESME_RINVCMDLEN',
  ],
  [
    'a destination of no kind',
    frame('submit_multi', '00 000000 01 03'),
    'dest_flag',
    21,
    'ESME_RINVDESTFLAG',
  ],
  ['a list without end', frame('submit_multi', '00 000000 01 02 4142'), 'dl_name', 22, 'ESME_RINVDLNAME'],
  [
    'fewer failures than it says',
    frame('submit_multi_resp', '00 01 01 01 31 00 0000'),
    'error_status_code',
    22,
    'ESME_RINVCMDLEN',
  ],
  ['a name that is too long', frame('bind_transceiver', '41'.repeat(20)), 'system_id', 16, 'ESME_RINVSYSID'],
  [
    'a password that is too long',
    frame('bind_transceiver', `00 ${'41'.repeat(9)} 00`),
    'password',
    17,
    'ESME_RINVPASWD',
  ],
  ['an answer without its id', frame('submit_sm_resp', ''), 'message_id', 16, 'ESME_RINVCMDLEN'],
  ['an id without end', frame('submit_sm_resp', '4142'), 'message_id', 16, 'ESME_RINVMSGID'],
  [
    'an id that is too long',
    frame('submit_sm_resp', `${'41'.repeat(65)}00`),
    'message_id',
    16,
    'ESME_RINVMSGID',
  ],
  ['a question with a body', frame('enquire_link', '00'), 'optional parameter', 16, 'ESME_RINVOPTPARSTREAM'],
];

describe('what is malformed', () => {
  it.each(cases)(
    '%s: told with its field, its place and what to answer',
    (_what, bytes, field, offset, answer) => {
      const fault = faultOf(bytes);
      expect(fault).toMatchObject({ scope: 'pdu', field, offset, answer: statuses[answer], sequence: 7 });
      expect(fault.commandId).toBe(bytes.readUInt32BE(4));
      expect(fault.message).toContain(field);
      expect(fault.message).toContain(answer);
    },
  );

  it('says nothing of what the peer wrote', () => {
    expect(faultOf(frame('bind_transceiver', Buffer.from('hunter2hunter2hunter2'))).message).not.toContain(
      'hunter',
    );
  });

  it('is answered by its own answer with a status', () => {
    const fault = faultOf(frame('deliver_sm', `${'00'.repeat(16)} 05 41`));
    expect(answerTo(fault)).toEqual({ command: 'deliver_sm_resp', sequence: 7, status: 1 });
  });

  it('is answered by a generic_nack where the command is unknown', () => {
    expect(answerTo(faultOf(frame(0xaa, '')))).toEqual({ command: 'generic_nack', sequence: 7, status: 3 });
  });

  it('is not answered where it is an answer, or never has one', () => {
    expect(answerTo(faultOf(frame('submit_sm_resp', '')))).toBeUndefined();
    expect(answerTo(faultOf(frame(0x8000_00aa, '')))).toBeUndefined();
    expect(answerTo(faultOf(frame('alert_notification', '')))).toBeUndefined();
    expect(answerTo(faultOf(frame('outbind', '')))).toBeUndefined();
  });

  it('is a PDU of another length than it says', () => {
    expect(faultOf(Buffer.alloc(5))).toMatchObject({ scope: 'frame', field: 'command_length' });
    expect(
      faultOf(Buffer.concat([encode({ command: 'unbind', sequence: 3 }), Buffer.alloc(1)])),
    ).toMatchObject({
      scope: 'frame',
      sequence: 3,
    });
  });
});

describe('what real SMSCs and ESMEs send besides the standard', () => {
  it('is a failure without a body, or with any', () => {
    const failed = { status: 0x58, messageId: '', sequence: 7 };
    expect(decode(frame('submit_sm_resp', '', 0x58))).toMatchObject(failed);
    expect(decode(frame('submit_sm_resp', '41', 0x58))).toMatchObject(failed);
    expect(decode(frame('submit_sm_resp', '4100', 0x58))).toMatchObject({ messageId: 'A' });
    expect(decode(frame('bind_transceiver_resp', 'ffff', 0x0e))).toMatchObject({
      status: 0x0e,
      systemId: '',
    });
    expect(decode(frame('submit_multi_resp', '', 0x45))).toMatchObject({ unsuccesses: [] });
    expect(decode(frame('query_sm_resp', '', 0x67))).toMatchObject({ messageId: '', messageState: 0 });
  });

  it('is a delivery answered by its header alone', () => {
    expect(decode(frame('deliver_sm_resp', ''))).toMatchObject({ status: 0, messageId: '' });
  });

  it('is an SMSC that does not tell its name', () => {
    expect(decode(frame('bind_transmitter_resp', ''))).toMatchObject({ status: 0, systemId: '' });
  });

  it('is an id in an optional parameter, with its NUL or without', () => {
    for (const value of ['0003 414243', '0004 41424300']) {
      expect(decode(submitWith(`001e ${value}`))).toMatchObject({ tlvs: { receiptedMessageId: 'ABC' } });
    }
  });

  it('is a parameter that stands twice: the first counts, the second is kept', () => {
    expect(decode(submitWith('0427 0001 02 0427 0001 05'))).toMatchObject({
      tlvs: { messageState: 2 },
      otherTlvs: [{ tag: 0x0427, value: Buffer.of(5) }],
    });
  });

  it('is an alert with the octet that SMPP 5.0 gave it', () => {
    expect(decode(submitWith('130c 0001 02'))).toMatchObject({ tlvs: { alertOnMessageDelivery: true } });
  });

  it('is what nobody knows, which is kept as it came and in its order', () => {
    const pdu = decode(submitWith('1501 0002 4142 1400 0000'));
    const otherTlvs = [
      { tag: 0x1501, value: Buffer.from('AB') },
      { tag: 0x1400, value: Buffer.alloc(0) },
    ];
    expect(pdu.otherTlvs).toEqual(otherTlvs);
    expect(encode(pdu)).toEqual(submitWith('1501 0002 4142 1400 0000'));
  });
});

describe('any octets', () => {
  const commands = Object.keys(bodies) as CommandName[];

  it('are a PDU or malformed, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...commands),
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        (command, body, failed) => {
          const bytes = frame(command, Buffer.from(body), failed ? 0x58 : 0);
          try {
            const pdu = decode(bytes);
            expect(decode(encode(pdu as PduInput))).toEqual(pdu);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedPdu);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('of a PDU with one of them changed or cut off are a PDU or malformed', () => {
    const whole = encode({
      command: 'submit_multi',
      sequence: 5,
      serviceType: 'CMT',
      source: { ton: 5, npi: 0, addr: 'ACME' },
      destinations: [{ ton: 1, npi: 1, addr: '12025550111' }, { distributionList: 'friends' }],
      shortMessage: Buffer.from('hello'),
      tlvs: { sarMsgRefNum: 3, callbackNum: [Buffer.from('123456')], additionalStatusInfoText: 'well' },
    });
    const readOrRefused = (bytes: Buffer): void => {
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedPdu);
      }
    };
    for (let at = 16; at < whole.length; at++) {
      const cut = Buffer.from(whole.subarray(0, at));
      cut.writeUInt32BE(at, 0);
      readOrRefused(cut);
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        readOrRefused(changed);
      }
    }
  });
});
