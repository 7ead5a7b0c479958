/*
 * Optional parameters (SMPP 3.4 §3.2.4, §5.3). Those of the standard have names and typed values; all others are kept as
 * they came, in their order (§3.3.1: what is not known is no fault).
 */
import { Unencodable } from './errors.js';
import { checkCString, checkInteger, Misfit, type Cursor, type Pen } from './octets.js';
import { statuses } from './statuses.js';

/** A parameter that SMPP 3.4 does not know, or one that may stand only once, from its second time on. */
export interface RawTlv {
  readonly tag: number;
  readonly value: Buffer;
}

/** Where an error arose and which (§5.3.2.31). */
export interface NetworkErrorCode {
  /** 1 ANSI-136, 2 IS-95, 3 GSM; others are not of the standard. */
  readonly network: number;
  readonly code: number;
}

interface Kind<T> {
  /** @throws Misfit */
  read(cursor: Cursor, length: number, name: string): T;
  /** @throws Unencodable */
  size(value: T, name: string): number;
  write(pen: Pen, value: T): void;
}

interface Parameter<T> extends Kind<T> {
  readonly tag: number;
  readonly name: string;
  /** Whether it may stand several times; its value is a list then. */
  readonly many: boolean;
}

function misfit(cursor: Cursor, name: string, why: string): Misfit {
  return new Misfit(name, cursor.offset, statuses.ESME_RINVPARLEN, why);
}

function integer(size: 1 | 2 | 4): Kind<number> {
  return {
    read: (cursor, length, name) => {
      if (length !== size) throw misfit(cursor, name, `has ${String(length)} octets, not ${String(size)}`);
      return cursor.integer(size, name);
    },
    size: (value, name) => {
      checkInteger(value, size, name);
      return size;
    },
    write: (pen, value) => {
      pen.integer(size, value);
    },
  };
}

function octets(least: number, most: number): Kind<Buffer> {
  return {
    read: (cursor, length, name) => {
      if (length < least || length > most) {
        throw misfit(cursor, name, `has ${String(length)} octets, not ${String(least)} to ${String(most)}`);
      }
      return cursor.octets(length);
    },
    size: (value, name) => {
      if (value.length < least || value.length > most) {
        throw new Unencodable(
          name,
          `has ${String(value.length)} octets, not ${String(least)} to ${String(most)}`,
        );
      }
      return value.length;
    },
    write: (pen, value) => {
      pen.octets(value);
    },
  };
}

/** Many SMSCs leave the NUL at the end away, since the length says it all: both are read. */
function text(most: number): Kind<string> {
  return {
    read: (cursor, length, name) => {
      if (length > most) throw misfit(cursor, name, `has more than ${String(most)} octets`);
      const value = cursor.bytes.toString('latin1', cursor.offset, cursor.offset + length);
      const nul = value.indexOf('\0');
      if (nul >= 0 && nul !== length - 1) throw misfit(cursor, name, 'has a NUL before its end');
      if (nul < 0 && length === most)
        throw misfit(cursor, name, `has more than ${String(most - 1)} characters`);
      cursor.offset += length;
      return nul < 0 ? value : value.slice(0, nul);
    },
    size: (value, name) => {
      checkCString(value, most, name);
      return value.length + 1;
    },
    write: (pen, value) => {
      pen.cString(value);
    },
  };
}

/** Says something by standing there (§5.3.2.41). Some send one octet with it, as SMPP 5.0 has it. */
const presence: Kind<true> = {
  read: (cursor, length, name) => {
    if (length > 1) throw misfit(cursor, name, `has ${String(length)} octets, not 0`);
    cursor.offset += length;
    return true;
  },
  size: () => 0,
  write: () => undefined,
};

const networkError: Kind<NetworkErrorCode> = {
  read: (cursor, length, name) => {
    if (length !== 3) throw misfit(cursor, name, `has ${String(length)} octets, not 3`);
    return { network: cursor.integer(1, name), code: cursor.integer(2, name) };
  },
  size: (value, name) => {
    checkInteger(value.network, 1, name);
    checkInteger(value.code, 2, name);
    return 3;
  },
  write: (pen, value) => {
    pen.integer(1, value.network);
    pen.integer(2, value.code);
  },
};

function once<T>(tag: number, name: string, kind: Kind<T>): Parameter<T> & { readonly many: false } {
  return { ...kind, tag, name, many: false };
}
function many<T>(tag: number, name: string, kind: Kind<T>): Parameter<T> & { readonly many: true } {
  return { ...kind, tag, name, many: true };
}

/** All of §5.3.2. */
const parameters = {
  destAddrSubunit: once(0x0005, 'dest_addr_subunit', integer(1)),
  destNetworkType: once(0x0006, 'dest_network_type', integer(1)),
  destBearerType: once(0x0007, 'dest_bearer_type', integer(1)),
  /** Of two octets, though its counterpart has one (§5.3.2.8, §5.3.2.9). */
  destTelematicsId: once(0x0008, 'dest_telematics_id', integer(2)),
  sourceAddrSubunit: once(0x000d, 'source_addr_subunit', integer(1)),
  sourceNetworkType: once(0x000e, 'source_network_type', integer(1)),
  sourceBearerType: once(0x000f, 'source_bearer_type', integer(1)),
  sourceTelematicsId: once(0x0010, 'source_telematics_id', integer(1)),
  qosTimeToLive: once(0x0017, 'qos_time_to_live', integer(4)),
  payloadType: once(0x0019, 'payload_type', integer(1)),
  additionalStatusInfoText: once(0x001d, 'additional_status_info_text', text(256)),
  receiptedMessageId: once(0x001e, 'receipted_message_id', text(65)),
  msMsgWaitFacilities: once(0x0030, 'ms_msg_wait_facilities', integer(1)),
  privacyIndicator: once(0x0201, 'privacy_indicator', integer(1)),
  sourceSubaddress: once(0x0202, 'source_subaddress', octets(2, 23)),
  destSubaddress: once(0x0203, 'dest_subaddress', octets(2, 23)),
  userMessageReference: once(0x0204, 'user_message_reference', integer(2)),
  userResponseCode: once(0x0205, 'user_response_code', integer(1)),
  sourcePort: once(0x020a, 'source_port', integer(2)),
  destinationPort: once(0x020b, 'destination_port', integer(2)),
  sarMsgRefNum: once(0x020c, 'sar_msg_ref_num', integer(2)),
  languageIndicator: once(0x020d, 'language_indicator', integer(1)),
  sarTotalSegments: once(0x020e, 'sar_total_segments', integer(1)),
  sarSegmentSeqnum: once(0x020f, 'sar_segment_seqnum', integer(1)),
  scInterfaceVersion: once(0x0210, 'sc_interface_version', integer(1)),
  callbackNumPresInd: many(0x0302, 'callback_num_pres_ind', integer(1)),
  callbackNumAtag: many(0x0303, 'callback_num_atag', octets(0, 65)),
  numberOfMessages: once(0x0304, 'number_of_messages', integer(1)),
  callbackNum: many(0x0381, 'callback_num', octets(4, 19)),
  dpfResult: once(0x0420, 'dpf_result', integer(1)),
  setDpf: once(0x0421, 'set_dpf', integer(1)),
  msAvailabilityStatus: once(0x0422, 'ms_availability_status', integer(1)),
  networkErrorCode: once(0x0423, 'network_error_code', networkError),
  messagePayload: once(0x0424, 'message_payload', octets(0, 0xffff)),
  deliveryFailureReason: once(0x0425, 'delivery_failure_reason', integer(1)),
  moreMessagesToSend: once(0x0426, 'more_messages_to_send', integer(1)),
  messageState: once(0x0427, 'message_state', integer(1)),
  ussdServiceOp: once(0x0501, 'ussd_service_op', integer(1)),
  displayTime: once(0x1201, 'display_time', integer(1)),
  smsSignal: once(0x1203, 'sms_signal', integer(2)),
  msValidity: once(0x1204, 'ms_validity', integer(1)),
  alertOnMessageDelivery: once(0x130c, 'alert_on_message_delivery', presence),
  itsReplyType: once(0x1380, 'its_reply_type', integer(1)),
  itsSessionInfo: once(0x1383, 'its_session_info', integer(2)),
};

type Parameters = typeof parameters;

/** The optional parameters of SMPP 3.4 by name; those that may stand several times are lists. */
export type Tlvs = {
  readonly [K in keyof Parameters]?: Parameters[K] extends Parameter<infer T> & { readonly many: infer Many }
    ? Many extends true
      ? readonly T[]
      : T
    : never;
};

const known = Object.entries(parameters) as unknown as [keyof Tlvs, Parameter<unknown>][];
const byTag = new Map(known.map(([key, parameter]) => [parameter.tag, { key, parameter }]));
const byKey = new Map<string, Parameter<unknown>>(known);
const headSize = 4;

/** All tags that have a typed value, by property. */
export const tlvTags: Readonly<Record<string, number>> = Object.fromEntries(
  known.map(([key, { tag }]) => [key, tag]),
);

const noTlvs: Tlvs = Object.freeze({});
const noOthers: readonly RawTlv[] = Object.freeze([]);

/** Reads what is left of a PDU. @throws Misfit */
export function readTlvs(cursor: Cursor): { readonly tlvs: Tlvs; readonly otherTlvs: readonly RawTlv[] } {
  if (cursor.left === 0) return { tlvs: noTlvs, otherTlvs: noOthers };
  const tlvs: Record<string, unknown> = {};
  const otherTlvs: RawTlv[] = [];
  const whole = cursor.end;
  while (cursor.left > 0) {
    const at = cursor.offset;
    if (cursor.left < headSize) {
      const why = 'has no room for tag and length';
      throw new Misfit('optional parameter', at, statuses.ESME_RINVOPTPARSTREAM, why);
    }
    const tag = cursor.integer(2, 'tag');
    const length = cursor.integer(2, 'length');
    const found = byTag.get(tag);
    const name = found?.parameter.name ?? `optional parameter 0x${tag.toString(16).padStart(4, '0')}`;
    if (length > whole - cursor.offset) {
      const why = 'tells more octets than the PDU has';
      throw new Misfit(name, at, statuses.ESME_RINVOPTPARSTREAM, why);
    }
    if (found === undefined) {
      otherTlvs.push({ tag, value: cursor.octets(length) });
      continue;
    }
    const { key, parameter } = found;
    if (parameter.many) {
      const list = (tlvs[key] ??= []) as unknown[];
      list.push(parameter.read(cursor, length, name));
    } else if (key in tlvs) {
      otherTlvs.push({ tag, value: cursor.octets(length) });
    } else {
      tlvs[key] = parameter.read(cursor, length, name);
    }
  }
  return { tlvs, otherTlvs: otherTlvs.length === 0 ? noOthers : otherTlvs };
}

/** Octets that they take. @throws Unencodable */
export function sizeOfTlvs(tlvs: Tlvs, otherTlvs: readonly RawTlv[]): number {
  let size = 0;
  for (const [key, value] of Object.entries<unknown>(tlvs)) {
    if (value === undefined) continue;
    const parameter = byKey.get(key);
    if (parameter === undefined) throw new Unencodable(key, 'is no optional parameter of SMPP 3.4');
    const values = parameter.many ? (value as readonly unknown[]) : [value];
    for (const one of values) size += headSize + parameter.size(one, parameter.name);
  }
  for (const { tag, value } of otherTlvs) {
    checkInteger(tag, 2, 'tag');
    if (value.length > 0xffff) throw new Unencodable('length', `is ${String(value.length)}, more than 65535`);
    size += headSize + value.length;
  }
  return size;
}

/** Writes what has been measured: the known ones first, the others behind them. */
export function writeTlvs(pen: Pen, tlvs: Tlvs, otherTlvs: readonly RawTlv[]): void {
  for (const [key, value] of Object.entries<unknown>(tlvs)) {
    const parameter = byKey.get(key);
    if (value === undefined || parameter === undefined) continue;
    const values = parameter.many ? (value as readonly unknown[]) : [value];
    for (const one of values) {
      pen.integer(2, parameter.tag);
      pen.integer(2, parameter.size(one, parameter.name));
      parameter.write(pen, one);
    }
  }
  for (const { tag, value } of otherTlvs) {
    pen.integer(2, tag);
    pen.integer(2, value.length);
    pen.octets(value);
  }
}
