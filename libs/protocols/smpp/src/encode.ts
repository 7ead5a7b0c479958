import { shapeNamed } from './commands.js';
import { headerLength } from './decode.js';
import { checkInteger, Pen } from './octets.js';
import type { PduInput } from './pdu.js';
import { sizeOfTlvs, writeTlvs } from './tlvs.js';

/**
 * Writes one PDU; what the input does not say is empty. An answer whose status is not 0 goes without a body when it has
 * nothing to say (SMPP 3.4 §4.4.2).
 *
 * @param sequence takes the place of the PDU's own.
 * @throws Unencodable before anything is written, where a value is too long or is no value of its field.
 */
export function encode(pdu: PduInput, sequence = pdu.sequence ?? 0): Buffer {
  const { id, names, fields, isResponse } = shapeNamed(pdu.command);
  const { status = 0, tlvs = none, otherTlvs = noOthers } = pdu;
  checkInteger(status, 4, 'command_status');
  checkInteger(sequence, 4, 'sequence_number');
  const values = pdu as unknown as Readonly<Record<string, unknown>>;
  let said = !isResponse || status === 0;
  let size = headerLength;
  for (let i = 0; i < names.length; i++) {
    const field = fields[i];
    if (field === undefined) continue;
    const value = values[names[i] ?? ''] ?? field.empty;
    if (!said && value !== field.empty) said = true;
    size += field.size(value);
  }
  const forTlvs = sizeOfTlvs(tlvs, otherTlvs);
  const withBody = said || forTlvs > 0;
  size = withBody ? size + forTlvs : headerLength;
  const pen = new Pen(Buffer.allocUnsafe(size));
  pen.integer(4, size);
  pen.integer(4, id);
  pen.integer(4, status);
  pen.integer(4, sequence);
  if (withBody) {
    for (let i = 0; i < names.length; i++) {
      const field = fields[i];
      if (field !== undefined) field.write(pen, values[names[i] ?? ''] ?? field.empty);
    }
    writeTlvs(pen, tlvs, otherTlvs);
  }
  return pen.bytes;
}

const none = {};
const noOthers: never[] = [];
