import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bodies, commandIds, type CommandName } from './commands.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import { Unencodable } from './errors.js';
import type { Pdu, PduInput } from './pdu.js';
import { tlvTags } from './tlvs.js';

const octet = fc.integer({ min: 0, max: 0xff });
const integer = (octets: number) => fc.integer({ min: 0, max: 2 ** (8 * octets) - 1 });
const buffer = (least: number, most: number) =>
  fc.uint8Array({ minLength: least, maxLength: most }).map((bytes) => Buffer.from(bytes));
/** All that a C-octet string of so many octets with its NUL can hold. */
const text = (most: number) =>
  fc
    .array(fc.integer({ min: 1, max: 0xff }), { maxLength: most - 1 })
    .map((codes) => String.fromCharCode(...codes));
const time = fc.constantFrom('', '261122174500000+', '000002000000000R');
const address = (most: number) => fc.record({ ton: octet, npi: octet, addr: text(most) });

/** Every value that a property may have, by its name and, where they differ, its command. */
function valueOf(command: CommandName, property: string): fc.Arbitrary<unknown> {
  const long = command === 'data_sm' || command === 'alert_notification';
  const kinds: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    systemId: text(16),
    password: text(9),
    systemType: text(13),
    addressRange: address(41),
    serviceType: text(6),
    messageId: text(65),
    source: address(long ? 65 : 21),
    destination: address(long ? 65 : 21),
    esme: address(65),
    scheduleDeliveryTime: time,
    validityPeriod: time,
    finalDate: time,
    shortMessage: buffer(0, 254),
    destinations: fc.array(fc.oneof(address(21), fc.record({ distributionList: text(21) })), {
      minLength: 1,
      maxLength: 254,
    }),
    unsuccesses: fc.array(fc.record({ ton: octet, npi: octet, addr: text(21), errorStatus: integer(4) }), {
      maxLength: 255,
    }),
  };
  return kinds[property] ?? octet;
}

const twoOctets = [
  'destTelematicsId',
  'userMessageReference',
  'sourcePort',
  'destinationPort',
  'sarMsgRefNum',
  'smsSignal',
  'itsSessionInfo',
];
const tlvKinds: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ...Object.fromEntries(Object.keys(tlvTags).map((key) => [key, octet])),
  ...Object.fromEntries(twoOctets.map((key) => [key, integer(2)])),
  qosTimeToLive: integer(4),
  additionalStatusInfoText: text(256),
  receiptedMessageId: text(65),
  sourceSubaddress: buffer(2, 23),
  destSubaddress: buffer(2, 23),
  callbackNumPresInd: fc.array(octet, { minLength: 1, maxLength: 3 }),
  callbackNumAtag: fc.array(buffer(0, 65), { minLength: 1, maxLength: 3 }),
  callbackNum: fc.array(buffer(4, 19), { minLength: 1, maxLength: 3 }),
  networkErrorCode: fc.record({ network: octet, code: integer(2) }),
  messagePayload: buffer(0, 600),
  alertOnMessageDelivery: fc.constant(true),
};
const knownTags = new Set(Object.values(tlvTags));
const tlvs = fc.record(tlvKinds, { requiredKeys: [] });
const otherTlvs = fc.array(
  fc.record({ tag: integer(2).filter((tag) => !knownTags.has(tag)), value: buffer(0, 40) }),
  { maxLength: 4 },
);

function anyOf(command: CommandName): fc.Arbitrary<Pdu> {
  const properties = Object.keys(bodies[command]);
  return fc.record({
    command: fc.constant(command),
    status: fc.oneof(fc.constant(0), integer(4)),
    sequence: integer(4),
    tlvs,
    otherTlvs,
    ...Object.fromEntries(properties.map((property) => [property, valueOf(command, property)])),
  }) as unknown as fc.Arbitrary<Pdu>;
}

describe('the codec', () => {
  it('has all PDUs of SMPP 3.4, each under its number', () => {
    expect(Object.keys(commandIds).sort()).toEqual(Object.keys(bodies).sort());
    expect(new Set(Object.values(commandIds)).size).toBe(27);
  });

  it.each(Object.keys(bodies) as CommandName[])('reads of %s what it has written', (command) => {
    fc.assert(
      fc.property(anyOf(command), (pdu) => {
        const bytes = encode(pdu);
        expect(bytes.readUInt32BE(0)).toBe(bytes.length);
        expect(decode(bytes)).toEqual(pdu);
      }),
      { numRuns: 25 },
    );
  });

  it('writes what the caller does not say as empty', () => {
    const bytes = encode({ command: 'submit_sm', sequence: 1 });
    expect(bytes.toString('hex')).toBe(`0000002100000004${'0'.repeat(8)}00000001${'00'.repeat(17)}`);
  });

  it('writes a bind as the standard shows it', () => {
    // SMPP 3.4 Appendix A-1.
    const bytes = encode({
      command: 'bind_transmitter',
      sequence: 1,
      systemId: 'SMPP3TEST',
      password: 'secret08',
      systemType: 'SUBMIT1',
      interfaceVersion: 0,
      addressRange: { ton: 1, npi: 1, addr: '' },
    });
    expect(bytes.toString('hex')).toBe(
      '0000002f000000020000000000000001534d50503354455354007365637265743038005355424d4954310000010100',
    );
  });

  it('says the version of the standard in a bind, unless told another', () => {
    expect(decode(encode({ command: 'bind_receiver' }))).toMatchObject({ interfaceVersion: 0x34 });
  });

  it('sends no body with a failure that has nothing to say', () => {
    expect(encode({ command: 'submit_sm_resp', sequence: 9, status: 0x58 })).toHaveLength(16);
    expect(encode({ command: 'submit_sm_resp', sequence: 9, status: 0x58, messageId: 'a' })).toHaveLength(18);
    expect(encode({ command: 'submit_sm_resp', sequence: 9 })).toHaveLength(17);
  });

  const tooLong: [string, PduInput][] = [
    ['system_id', { command: 'bind_transceiver', systemId: 'x'.repeat(16) }],
    ['password', { command: 'bind_transceiver', password: 'x'.repeat(9) }],
    ['system_type', { command: 'bind_transceiver', systemType: 'x'.repeat(13) }],
    [
      'address_range',
      { command: 'bind_transceiver', addressRange: { ton: 0, npi: 0, addr: 'x'.repeat(41) } },
    ],
    ['service_type', { command: 'submit_sm', serviceType: 'x'.repeat(6) }],
    ['source_addr', { command: 'submit_sm', source: { ton: 0, npi: 0, addr: 'x'.repeat(21) } }],
    ['source_addr_ton', { command: 'submit_sm', source: { ton: 256, npi: 0, addr: '' } }],
    ['source_addr_npi', { command: 'submit_sm', source: { ton: 0, npi: -1, addr: '' } }],
    ['destination_addr', { command: 'deliver_sm', destination: { ton: 0, npi: 0, addr: 'x'.repeat(21) } }],
    ['destination_addr', { command: 'data_sm', destination: { ton: 0, npi: 0, addr: 'x'.repeat(65) } }],
    ['destination_addr', { command: 'submit_sm', destination: { ton: 0, npi: 0, addr: '1\u00002' } }],
    ['destination_addr', { command: 'submit_sm', destination: { ton: 0, npi: 0, addr: 'žluť' } }],
    ['esm_class', { command: 'submit_sm', esmClass: 0.5 }],
    ['data_coding', { command: 'submit_sm', dataCoding: Number.NaN }],
    ['schedule_delivery_time', { command: 'submit_sm', scheduleDeliveryTime: '2611221745' }],
    ['validity_period', { command: 'submit_sm', validityPeriod: '0'.repeat(17) }],
    ['short_message', { command: 'submit_sm', shortMessage: Buffer.alloc(255) }],
    ['number_of_dests', { command: 'submit_multi' }],
    [
      'number_of_dests',
      {
        command: 'submit_multi',
        destinations: Array.from({ length: 255 }, () => ({ distributionList: 'l' })),
      },
    ],
    ['dl_name', { command: 'submit_multi', destinations: [{ distributionList: 'x'.repeat(21) }] }],
    ['message_id', { command: 'submit_sm_resp', messageId: 'x'.repeat(65) }],
    ['sequence_number', { command: 'enquire_link', sequence: 2 ** 32 }],
    ['command_status', { command: 'enquire_link_resp', status: -1 }],
    ['sar_total_segments', { command: 'submit_sm', tlvs: { sarTotalSegments: 256 } }],
    ['message_payload', { command: 'submit_sm', tlvs: { messagePayload: Buffer.alloc(65_536) } }],
    ['callback_num', { command: 'submit_sm', tlvs: { callbackNum: [Buffer.alloc(3)] } }],
    ['receipted_message_id', { command: 'deliver_sm', tlvs: { receiptedMessageId: 'x'.repeat(65) } }],
    [
      'network_error_code',
      { command: 'deliver_sm', tlvs: { networkErrorCode: { network: 3, code: 65_536 } } },
    ],
    ['tag', { command: 'submit_sm', otherTlvs: [{ tag: 65_536, value: Buffer.alloc(0) }] }],
    ['length', { command: 'submit_sm', otherTlvs: [{ tag: 0x1400, value: Buffer.alloc(65_536) }] }],
  ];
  it.each(tooLong)('refuses to write a %s that does not fit', (field, pdu) => {
    let seen: unknown;
    try {
      encode(pdu);
    } catch (error) {
      seen = error;
    }
    expect(seen).toBeInstanceOf(Unencodable);
    expect(seen).toMatchObject({ field });
  });

  it('reads nothing into the memory that the bytes came in', () => {
    const bytes = encode({ command: 'submit_sm', shortMessage: Buffer.from('hello') });
    const pdu = decode(bytes) as Pdu<'submit_sm'>;
    bytes.fill(0);
    expect(pdu.shortMessage.toString()).toBe('hello');
  });
});
