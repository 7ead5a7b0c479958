import { isResponseId, shapeOf, type CommandShape } from './commands.js';
import { MalformedPdu } from './errors.js';
import { Cursor, Misfit } from './octets.js';
import type { Pdu, PduInput } from './pdu.js';
import { statuses } from './statuses.js';
import { readTlvs } from './tlvs.js';

/** command_length, command_id, command_status and sequence_number (SMPP 3.4 §3.2). */
export const headerLength = 16;

/**
 * Reads one whole PDU.
 *
 * Two things that the standard does not have are understood, since SMSCs in use do them: an answer whose status is not 0
 * may have any body or none, and a deliver_sm or a bind may be answered without a body.
 *
 * @param bytes the PDU, its header first and nothing behind it.
 * @throws MalformedPdu where it is not as SMPP 3.4 wants it.
 */
export function decode(bytes: Buffer): Pdu {
  if (bytes.length < headerLength) {
    throw new MalformedPdu(unreadable, `is ${String(bytes.length)}, less than a header has`);
  }
  const length = bytes.readUInt32BE(0);
  const commandId = bytes.readUInt32BE(4);
  const status = bytes.readUInt32BE(8);
  const sequence = bytes.readUInt32BE(12);
  const header = { commandId, status, sequence } as const;
  if (length !== bytes.length) {
    const why = `is ${String(length)}, and ${String(bytes.length)} octets are there`;
    throw new MalformedPdu({ ...unreadable, ...header }, why);
  }
  const shape = shapeOf(commandId);
  if (shape === undefined) {
    const answer = statuses.ESME_RINVCMDID;
    throw new MalformedPdu(
      { ...header, scope: 'pdu', answer, field: 'command_id', offset: 4 },
      'is none of SMPP 3.4',
    );
  }
  const { command } = shape;
  const failed = shape.isResponse && status !== 0;
  try {
    const lacks = length === headerLength && (failed || shape.mayLackBody);
    return readBody(new Cursor(bytes, headerLength, length), shape, status, sequence, lacks);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    // What failed has nothing to tell but its status.
    if (failed) return readBody(new Cursor(bytes, length, length), shape, status, sequence, true);
    const { answer, field, offset, why } = error;
    throw new MalformedPdu({ ...header, command, scope: 'pdu', answer, field, offset }, why);
  }
}

function readBody(
  cursor: Cursor,
  { command, names, fields }: CommandShape,
  status: number,
  sequence: number,
  lacks: boolean,
): Pdu {
  const pdu: Record<string, unknown> = { command, status, sequence };
  for (let i = 0; i < names.length; i++) {
    const field = fields[i];
    if (field !== undefined) pdu[names[i] ?? ''] = lacks ? field.empty : field.read(cursor);
  }
  const { tlvs, otherTlvs } = readTlvs(cursor);
  pdu['tlvs'] = tlvs;
  pdu['otherTlvs'] = otherTlvs;
  // The table that it was read by is the one that the type is made of.
  return pdu as unknown as Pdu;
}

const unreadable = {
  scope: 'frame',
  commandId: 0,
  sequence: 0,
  status: 0,
  answer: statuses.ESME_RINVCMDLEN,
  field: 'command_length',
  offset: 0,
} as const;

/** What no stream can be read past: a length that no PDU has. `head` is as much of its header as is there. */
export function brokenFrame(head: Buffer, why: string): MalformedPdu {
  const known =
    head.length < headerLength
      ? {}
      : {
          commandId: head.readUInt32BE(4),
          status: head.readUInt32BE(8),
          sequence: head.readUInt32BE(12),
        };
  return new MalformedPdu({ ...unreadable, ...known }, why);
}

/**
 * What to answer a malformed PDU with (§4.3, §5.1.3): its own answer with a status, or a generic_nack where the command or
 * the length is wrong. Nothing to an answer, and nothing to what is never answered.
 */
export function answerTo(fault: MalformedPdu): PduInput | undefined {
  const { command, sequence, answer: status } = fault;
  if (fault.scope === 'pdu' && isResponseId(fault.commandId)) return undefined;
  if (fault.scope === 'frame' || command === undefined) return { command: 'generic_nack', sequence, status };
  if (command === 'outbind' || command === 'alert_notification') return undefined;
  return { command: `${command}_resp`, sequence, status } as PduInput;
}
