/*
 * What each PDU of SMPP 3.4 (§4) has in its body, in the order of the wire. One table says what a PDU is in types, how it
 * is read and how it is written.
 */
import {
  address,
  cString,
  destinations,
  integer8,
  shortMessage,
  time,
  unsuccesses,
  type Field,
} from './fields.js';
import { statuses } from './statuses.js';

const {
  ESME_RINVDSTADR,
  ESME_RINVEXPIRY,
  ESME_RINVMSGID,
  ESME_RINVPARLEN,
  ESME_RINVPASWD,
  ESME_RINVSCHED,
  ESME_RINVSERTYP,
  ESME_RINVSRCADR,
  ESME_RINVSYSID,
  ESME_RINVSYSTYP,
} = statuses;

const systemId = cString('system_id', 16, ESME_RINVSYSID);
const password = cString('password', 9, ESME_RINVPASWD);
const serviceType = cString('service_type', 6, ESME_RINVSERTYP);
const messageId = cString('message_id', 65, ESME_RINVMSGID);
const source = address('source_addr', 'source_addr', 21, ESME_RINVSRCADR);
const destination = address('dest_addr', 'destination_addr', 21, ESME_RINVDSTADR);
const longSource = address('source_addr', 'source_addr', 65, ESME_RINVSRCADR);
const longDestination = address('dest_addr', 'destination_addr', 65, ESME_RINVDSTADR);
const scheduleDeliveryTime = time('schedule_delivery_time', ESME_RINVSCHED);
const validityPeriod = time('validity_period', ESME_RINVEXPIRY);
const esmClass = integer8('esm_class');
const registeredDelivery = integer8('registered_delivery');
const dataCoding = integer8('data_coding');
const smDefaultMsgId = integer8('sm_default_msg_id');

const bind = {
  systemId,
  password,
  systemType: cString('system_type', 13, ESME_RINVSYSTYP),
  interfaceVersion: integer8('interface_version', 0x34),
  addressRange: address('addr', 'address_range', 41, ESME_RINVPARLEN),
};
const afterDestination = {
  esmClass,
  protocolId: integer8('protocol_id'),
  priorityFlag: integer8('priority_flag'),
  scheduleDeliveryTime,
  validityPeriod,
  registeredDelivery,
  replaceIfPresentFlag: integer8('replace_if_present_flag'),
  dataCoding,
  smDefaultMsgId,
  shortMessage,
};
const message = { serviceType, source, destination, ...afterDestination };

/** The bodies of all PDUs. */
export const bodies = {
  bind_transmitter: bind,
  bind_transmitter_resp: { systemId },
  bind_receiver: bind,
  bind_receiver_resp: { systemId },
  bind_transceiver: bind,
  bind_transceiver_resp: { systemId },
  outbind: { systemId, password },
  unbind: {},
  unbind_resp: {},
  generic_nack: {},
  submit_sm: message,
  submit_sm_resp: { messageId },
  submit_multi: { serviceType, source, destinations, ...afterDestination },
  submit_multi_resp: { messageId, unsuccesses },
  deliver_sm: message,
  deliver_sm_resp: { messageId },
  data_sm: {
    serviceType,
    source: longSource,
    destination: longDestination,
    esmClass,
    registeredDelivery,
    dataCoding,
  },
  data_sm_resp: { messageId },
  query_sm: { messageId, source },
  query_sm_resp: {
    messageId,
    finalDate: time('final_date', ESME_RINVPARLEN),
    messageState: integer8('message_state'),
    errorCode: integer8('error_code'),
  },
  cancel_sm: { serviceType, messageId, source, destination },
  cancel_sm_resp: {},
  replace_sm: {
    messageId,
    source,
    scheduleDeliveryTime,
    validityPeriod,
    registeredDelivery,
    smDefaultMsgId,
    shortMessage,
  },
  replace_sm_resp: {},
  enquire_link: {},
  enquire_link_resp: {},
  alert_notification: {
    source: longSource,
    esme: address('esme_addr', 'esme_addr', 65, ESME_RINVDSTADR),
  },
} as const;

/** The name of a PDU, as the standard writes it. */
export type CommandName = keyof typeof bodies;

/** command_id of each (§5.1.2.1). */
export const commandIds: Readonly<Record<CommandName, number>> = {
  generic_nack: 0x80000000,
  bind_receiver: 0x00000001,
  bind_receiver_resp: 0x80000001,
  bind_transmitter: 0x00000002,
  bind_transmitter_resp: 0x80000002,
  query_sm: 0x00000003,
  query_sm_resp: 0x80000003,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  deliver_sm_resp: 0x80000005,
  unbind: 0x00000006,
  unbind_resp: 0x80000006,
  replace_sm: 0x00000007,
  replace_sm_resp: 0x80000007,
  cancel_sm: 0x00000008,
  cancel_sm_resp: 0x80000008,
  bind_transceiver: 0x00000009,
  bind_transceiver_resp: 0x80000009,
  outbind: 0x0000000b,
  enquire_link: 0x00000015,
  enquire_link_resp: 0x80000015,
  submit_multi: 0x00000021,
  submit_multi_resp: 0x80000021,
  alert_notification: 0x00000102,
  data_sm: 0x00000103,
  data_sm_resp: 0x80000103,
};

/** One PDU as the codec walks through it. */
export interface CommandShape {
  readonly command: CommandName;
  readonly id: number;
  /** The properties and what they are, side by side. */
  readonly names: readonly string[];
  readonly fields: readonly Field<unknown>[];
  readonly isResponse: boolean;
  /**
   * Whether it may come without its body though all went well. By the standard none may; ESMEs answer a deliver_sm
   * without its unused message_id, and SMSCs a bind without their name, and both are understood.
   */
  readonly mayLackBody: boolean;
}

const responseBit = 0x80000000;
const lacking = /^(deliver_sm|bind_(transmitter|receiver|transceiver))_resp$/;

const shapes = (Object.keys(bodies) as CommandName[]).map((command): CommandShape => {
  const body: Readonly<Record<string, Field<unknown>>> = bodies[command];
  return {
    command,
    id: commandIds[command],
    names: Object.keys(body),
    fields: Object.values(body),
    isResponse: commandIds[command] >= responseBit,
    mayLackBody: lacking.test(command),
  };
});
const byId = new Map(shapes.map((shape) => [shape.id, shape]));
const byName = new Map(shapes.map((shape) => [shape.command, shape]));

/** The PDU of a command_id, if SMPP 3.4 has one. */
export function shapeOf(id: number): CommandShape | undefined {
  return byId.get(id);
}

export function shapeNamed(command: CommandName): CommandShape {
  const shape = byName.get(command);
  if (shape === undefined) throw new TypeError(`SMPP 3.4 has no ${command}`);
  return shape;
}

/** Whether a command_id is that of an answer (§5.1.2). */
export function isResponseId(id: number): boolean {
  return id >= responseBit;
}
