/*
 * The kinds of field that bodies of PDUs are made of (SMPP 3.4 §3.1, §5.2). A kind knows how to read, to measure and to
 * write a value, and what stands where the caller says nothing.
 */
import { Unencodable } from './errors.js';
import { checkCString, checkInteger, Misfit, type Cursor, type Pen } from './octets.js';
import { statuses } from './statuses.js';

export interface Field<T> {
  readonly empty: T;
  /** @throws Misfit */
  read(cursor: Cursor): T;
  /** Octets that the value takes. @throws Unencodable */
  size(value: T): number;
  write(pen: Pen, value: T): void;
}

/** Somebody's number or name with its type of number and numbering plan (§5.2.5, §5.2.6). */
export interface SmeAddress {
  readonly ton: number;
  readonly npi: number;
  readonly addr: string;
}

/** Whom a submit_multi goes to: somebody, or a list that the SMSC keeps (§4.5.1.1). */
export type MultiDestination = SmeAddress | { readonly distributionList: string };

/** One whom a submit_multi did not reach, and why (§4.5.2.1). */
export interface Unsuccess extends SmeAddress {
  /** A command_status. */
  readonly errorStatus: number;
}

export function integer8(field: string, empty = 0): Field<number> {
  return {
    empty,
    read: (cursor) => cursor.integer(1, field),
    size: (value) => {
      checkInteger(value, 1, field);
      return 1;
    },
    write: (pen, value) => {
      pen.integer(1, value);
    },
  };
}

/** @param most octets with the NUL. */
export function cString(field: string, most: number, answer: number): Field<string> {
  return {
    empty: '',
    read: (cursor) => cursor.cString(most, field, answer),
    size: (value) => {
      checkCString(value, most, field);
      return value.length + 1;
    },
    write: (pen, value) => {
      pen.cString(value);
    },
  };
}

/** A time (§7.1.1): nothing, or 16 characters and a NUL. What they mean is for `parseTime`. */
export function time(field: string, answer: number): Field<string> {
  return {
    empty: '',
    read: (cursor) => {
      const { offset } = cursor;
      const value = cursor.cString(17, field, answer);
      if (value.length !== 0 && value.length !== 16) {
        throw new Misfit(field, offset, answer, 'is neither empty nor of 16 characters');
      }
      return value;
    },
    size: (value) => {
      checkCString(value, 17, field);
      if (value.length !== 0 && value.length !== 16) {
        throw new Unencodable(field, 'is neither empty nor of 16 characters');
      }
      return value.length + 1;
    },
    write: (pen, value) => {
      pen.cString(value);
    },
  };
}

const noAddress: SmeAddress = { ton: 0, npi: 0, addr: '' };

/** Type of number, numbering plan and address: three fields that belong together. */
export function address(prefix: string, field: string, most: number, answer: number): Field<SmeAddress> {
  const [ton, npi] = [`${prefix}_ton`, `${prefix}_npi`];
  return {
    empty: noAddress,
    read: (cursor) => ({
      ton: cursor.integer(1, ton),
      npi: cursor.integer(1, npi),
      addr: cursor.cString(most, field, answer),
    }),
    size: (value) => {
      checkInteger(value.ton, 1, ton);
      checkInteger(value.npi, 1, npi);
      checkCString(value.addr, most, field);
      return value.addr.length + 3;
    },
    write: (pen, value) => {
      pen.integer(1, value.ton);
      pen.integer(1, value.npi);
      pen.cString(value.addr);
    },
  };
}

/** The most octets of a short_message (§5.2.22); longer ones go as message_payload. */
export const mostShortMessage = 254;

/** sm_length and short_message (§5.2.21, §5.2.22). */
export const shortMessage: Field<Buffer> = {
  empty: Buffer.alloc(0),
  read: (cursor) => {
    const { offset } = cursor;
    const length = cursor.integer(1, 'sm_length');
    if (length > mostShortMessage) {
      throw new Misfit('sm_length', offset, statuses.ESME_RINVMSGLEN, 'is more than 254');
    }
    if (length > cursor.left) {
      throw new Misfit('sm_length', offset, statuses.ESME_RINVMSGLEN, 'tells more octets than the PDU has');
    }
    return cursor.octets(length);
  },
  size: (value) => {
    if (value.length > mostShortMessage) {
      throw new Unencodable('short_message', `has ${String(value.length)} octets, and 254 are the most`);
    }
    return value.length + 1;
  },
  write: (pen, value) => {
    pen.integer(1, value.length);
    pen.octets(value);
  },
};

const someone = address('dest_addr', 'destination_addr', 21, statuses.ESME_RINVDSTADR);
const list = cString('dl_name', 21, statuses.ESME_RINVDLNAME);
const mostDestinations = 254;

/** number_of_dests and dest_address(es) (§4.5.1, §5.2.24 to §5.2.27). */
export const destinations: Field<readonly MultiDestination[]> = {
  empty: [],
  read: (cursor) => {
    const { offset } = cursor;
    const count = cursor.integer(1, 'number_of_dests');
    if (count === 0 || count > mostDestinations) {
      throw new Misfit('number_of_dests', offset, statuses.ESME_RINVNUMDESTS, 'is not between 1 and 254');
    }
    return Array.from({ length: count }, (): MultiDestination => {
      const at = cursor.offset;
      const flag = cursor.integer(1, 'dest_flag');
      if (flag === 1) return someone.read(cursor);
      if (flag === 2) return { distributionList: list.read(cursor) };
      throw new Misfit('dest_flag', at, statuses.ESME_RINVDESTFLAG, 'is neither 1 nor 2');
    });
  },
  size: (value) => {
    if (value.length === 0 || value.length > mostDestinations) {
      throw new Unencodable('number_of_dests', `is ${String(value.length)}, not between 1 and 254`);
    }
    let size = 1;
    for (const to of value) {
      size += 1 + ('distributionList' in to ? list.size(to.distributionList) : someone.size(to));
    }
    return size;
  },
  write: (pen, value) => {
    pen.integer(1, value.length);
    for (const to of value) {
      const isList = 'distributionList' in to;
      pen.integer(1, isList ? 2 : 1);
      if (isList) list.write(pen, to.distributionList);
      else someone.write(pen, to);
    }
  },
};

/** no_unsuccess and unsuccess_sme(s) (§4.5.2, §4.5.2.1). */
export const unsuccesses: Field<readonly Unsuccess[]> = {
  empty: [],
  read: (cursor) =>
    Array.from({ length: cursor.integer(1, 'no_unsuccess') }, () => ({
      ...someone.read(cursor),
      errorStatus: cursor.integer(4, 'error_status_code'),
    })),
  size: (value) => {
    checkInteger(value.length, 1, 'no_unsuccess');
    let size = 1;
    for (const one of value) {
      checkInteger(one.errorStatus, 4, 'error_status_code');
      size += someone.size(one) + 4;
    }
    return size;
  },
  write: (pen, value) => {
    pen.integer(1, value.length);
    for (const one of value) {
      someone.write(pen, one);
      pen.integer(4, one.errorStatus);
    }
  },
};
