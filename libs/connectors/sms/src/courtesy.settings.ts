/* What an account owes to those it writes to: its settings, and how they are read. */
import type { JsonObject, JsonValue } from '#connector';
import { fieldsOf } from '#connector/session';
import type { QuietHours } from './quiet-hours.js';

const time = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };
const place = { type: 'string', pattern: '^([A-Z]{2}|\\+[1-9][0-9]{0,14})$' };
const places = {
  type: 'array',
  items: place,
  maxItems: 500,
  uniqueItems: true,
};
const words = {
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 40 },
  maxItems: 50,
  uniqueItems: true,
};
const answer = { type: 'string', maxLength: 600 };

/** JSON Schema of each of the settings, by its name among those of the account. */
export const courtesySchema: JsonObject = {
  allowTo: {
    ...places,
    title: 'Allowed destinations',
    description:
      'Countries (DE) or beginnings of numbers (+4915) that may be written to; everywhere, where none is said.',
    examples: [['US', 'CA', '+4915']],
  },
  denyTo: {
    ...places,
    title: 'Denied destinations',
    description: 'Countries or beginnings of numbers that may never be written to, allowed or not.',
    examples: [['+1900']],
  },
  rates: {
    type: 'array',
    title: 'Rates of destinations',
    description: 'How many texts a second go to a country or to numbers that begin so; what is more waits.',
    examples: [[{ to: 'DE', perSecond: 5 }]],
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['to', 'perSecond'],
      properties: {
        to: { ...place, title: 'Country or beginning of numbers' },
        perSecond: { type: 'number', title: 'Texts a second', exclusiveMinimum: 0, maximum: 10_000 },
      },
    },
    maxItems: 100,
  },
  shortCodesAbroad: {
    type: 'boolean',
    title: 'Short codes abroad',
    description: 'Whether own short codes reach other countries.',
    default: false,
  },
  quietHours: {
    type: 'object',
    title: 'Quiet hours',
    description:
      'Times of day between which nothing is sent, by the clock of whoever it goes to. What is sent then waits, unless it is urgent.',
    additionalProperties: false,
    required: ['from', 'until'],
    properties: {
      from: { ...time, title: 'From', examples: ['21:00'] },
      until: { ...time, title: 'Until', examples: ['08:00'] },
    },
  },
  consent: {
    type: 'object',
    title: 'Opting out',
    description:
      'STOP, START, HELP and their like are always obeyed. Here are further words, and what they are answered; an empty answer is none.',
    additionalProperties: false,
    properties: {
      out: { ...words, title: 'Further words to opt out', examples: [['ABMELDEN']] },
      in: { ...words, title: 'Further words to opt in again' },
      help: { ...words, title: 'Further words to ask for help' },
      outAnswer: { ...answer, title: 'Answer to opting out' },
      inAnswer: { ...answer, title: 'Answer to opting in again' },
      helpAnswer: { ...answer, title: 'Answer to asking for help' },
    },
  },
};

export interface Courtesy {
  /** Countries or beginnings of numbers; none: everywhere. */
  readonly allowTo: readonly string[];
  readonly denyTo: readonly string[];
  readonly rates: readonly DestinationRate[];
  readonly shortCodesAbroad: boolean;
  readonly quietHours?: QuietHours;
  readonly consent: ConsentSettings;
}

/** How many texts a second go to a country (`DE`) or to numbers that begin so (`+4915`). */
export interface DestinationRate {
  readonly to: string;
  readonly perSecond: number;
}

/** Words beyond those that everybody knows, and answers in place of the usual ones. */
export interface ConsentSettings {
  readonly words: Readonly<Record<ConsentAct, readonly string[]>>;
  readonly answers: Readonly<Partial<Record<ConsentAct, string>>>;
}

/** Somebody wants no more of it, wants it again, or asks what it is. */
export type ConsentAct = 'out' | 'in' | 'help';

/** Reads settings that have passed the schema, with what they leave unsaid filled in. */
export function readCourtesy(settings: JsonObject): Courtesy {
  const { from, until } = fieldsOf(settings['quietHours']);
  const consent = fieldsOf(settings['consent']);
  const answers = (['out', 'in', 'help'] as const).flatMap((act) => {
    const said = consent[`${act}Answer`];
    return typeof said === 'string' ? [[act, said] as const] : [];
  });
  return {
    allowTo: texts(settings['allowTo']),
    denyTo: texts(settings['denyTo']),
    rates: ratesIn(settings['rates']),
    shortCodesAbroad: settings['shortCodesAbroad'] === true,
    ...(typeof from === 'string' && typeof until === 'string' ? { quietHours: { from, until } } : {}),
    consent: {
      words: { out: texts(consent['out']), in: texts(consent['in']), help: texts(consent['help']) },
      answers: Object.fromEntries(answers),
    },
  };
}

function ratesIn(value: JsonValue | undefined): readonly DestinationRate[] {
  return (Array.isArray(value) ? value : []).flatMap((one: JsonValue) => {
    const { to, perSecond } = fieldsOf(one);
    return typeof to === 'string' && typeof perSecond === 'number' ? [{ to, perSecond }] : [];
  });
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
