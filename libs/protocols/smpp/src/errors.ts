import type { CommandName } from './commands.js';
import { statusName } from './statuses.js';

/** Where and how bytes from a peer are not SMPP 3.4. */
export interface FaultDetails {
  /** `pdu`: one PDU is unreadable, the next is not touched. `frame`: nobody can say where the next one begins. */
  readonly scope: 'pdu' | 'frame';
  /** As on the wire; 0 where not even that could be read. */
  readonly commandId: number;
  /** Its name, where it has one. */
  readonly command?: CommandName;
  /** 0 where it could not be read (SMPP 3.4 §4.3.1 has a generic_nack say 0 then). */
  readonly sequence: number;
  /** The peer's own command_status. */
  readonly status: number;
  /** What to answer with: a command_status. */
  readonly answer: number;
  /** The field as the standard names it: `source_addr`, `command_length`. */
  readonly field: string;
  /** Octets from the beginning of the PDU to that field. */
  readonly offset: number;
}

/** What a peer sent is malformed. The message tells field, place and fault, and nothing of what the peer wrote. */
export class MalformedPdu extends Error implements FaultDetails {
  override readonly name = 'MalformedPdu';
  readonly scope: 'pdu' | 'frame';
  readonly commandId: number;
  readonly command?: CommandName;
  readonly sequence: number;
  readonly status: number;
  readonly answer: number;
  readonly field: string;
  readonly offset: number;

  constructor(details: FaultDetails, why: string) {
    const what = details.command ?? `command 0x${details.commandId.toString(16).padStart(8, '0')}`;
    super(
      `${what}: ${details.field} at octet ${String(details.offset)} ${why} (${statusName(details.answer)})`,
    );
    this.scope = details.scope;
    this.commandId = details.commandId;
    if (details.command !== undefined) this.command = details.command;
    this.sequence = details.sequence;
    this.status = details.status;
    this.answer = details.answer;
    this.field = details.field;
    this.offset = details.offset;
  }
}

/** A value does not fit where it is to be written. Thrown before any octet is. */
export class Unencodable extends Error {
  override readonly name = 'Unencodable';
  /** The field as the standard names it. */
  readonly field: string;

  constructor(field: string, why: string) {
    super(`${field} ${why}`);
    this.field = field;
  }
}
