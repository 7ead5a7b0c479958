/* XEP-0077: In-Band Registration. Accounts are made, changed and given up, and nicks in rooms are registered. */
import { xml, type Element } from '../core/xml.js';
import { formIn, type Form } from './0004.js';
import { oobsIn } from './0066.js';
import { textIn, wordsIn, worded } from './reading.js';

export const registerNs = 'jabber:iq:register';

/** The fields that the XEP names (§14.1), in its order. */
const named = [
  'username',
  'nick',
  'password',
  'name',
  'first',
  'last',
  'email',
  'address',
  'city',
  'state',
  'zip',
  'phone',
  'url',
  'date',
] as const;
export type RegistrationField = (typeof named)[number];

export interface Registration {
  /** We are registered already (§3.1.1). */
  readonly registered: boolean;
  readonly instructions?: string;
  /** What is asked for, where there is no form; what the other side knows already is with it. */
  readonly fields: ReadonlyMap<RegistrationField, string>;
  /** What counts where it is there (§4): the fields are for who cannot show it. */
  readonly form?: Form;
  /** Where to register on the web instead (§5). */
  readonly url?: string;
}

/** Asks what registering takes; goes in an iq get. */
export function registrationAsk(): Element {
  return xml('query', { xmlns: registerNs });
}

/** Reads an answer; undefined where it is none. */
export function registrationOf(query: Element | undefined): Registration | undefined {
  if (query?.is('query', registerNs) !== true) return undefined;
  const instructions = wordsIn(query, 'instructions', registerNs);
  const form = formIn(query);
  const [elsewhere] = oobsIn(query);
  const asked = named.filter((name) => query.getChild(name, registerNs) !== undefined);
  return {
    registered: query.getChild('registered', registerNs) !== undefined,
    ...(instructions !== undefined && { instructions }),
    fields: new Map(asked.map((name) => [name, textIn(query, name, registerNs) ?? ''])),
    ...(form !== undefined && { form }),
    ...(elsewhere !== undefined && { url: elsewhere.url }),
  };
}

/** Registers with named fields, or changes a password (§3.3: username and password); goes in an iq set. */
export function registering(fields: Readonly<Partial<Record<RegistrationField, string>>>): Element {
  return xml(
    'query',
    { xmlns: registerNs },
    named.map((name) => worded(name, fields[name])),
  );
}

/** Registers with the form that was asked for, filled in (§4). */
export function registeringWith(form: Element): Element {
  return xml('query', { xmlns: registerNs }, form);
}

/** Gives the registration up (§3.2): of an account all that it holds is lost. */
export function unregistering(): Element {
  return xml('query', { xmlns: registerNs }, xml('remove'));
}
