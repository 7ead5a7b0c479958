import type { NetworkInfo } from 'irc-framework';
import { caseMappingOf, fold, type CaseMapping } from './case-mapping.js';

/** What the server said about itself (ISUPPORT), believed only in the shapes we know. */
export interface Network {
  readonly caseMapping: CaseMapping;
  readonly channelTypes: string;
  /** Marks that may stand before a channel to address its operators or voiced members only. */
  readonly statusMarks: string;
  /** Member marks and their modes, highest first: `@` → `o`. */
  readonly prefixes: readonly { readonly mark: string; readonly mode: string }[];
  /** Channel modes that take a parameter: always, and when set. Without the prefix modes. */
  readonly parameterModes: { readonly always: string; readonly whenSet: string };
  /** Longest line in bytes with its line end. */
  readonly lineLength: number;
  readonly nickLength: number;
  /** How many channels one JOIN may name. */
  readonly joinTargets: number;
  readonly topicLength?: number;
}

/** What holds until the server says more. */
export const plainNetwork: Network = {
  caseMapping: 'rfc1459',
  channelTypes: '#&',
  statusMarks: '',
  prefixes: [
    { mark: '@', mode: 'o' },
    { mark: '+', mode: 'v' },
  ],
  parameterModes: { always: 'bk', whenSet: 'l' },
  lineLength: 512,
  nickLength: 30,
  joinTargets: 10,
};

/** Reads what irc-framework gathered from ISUPPORT. */
export function networkOf(options: NetworkInfo['options']): Network {
  const modes = list(options['CHANMODES']);
  const topicLength = count(options['TOPICLEN']);
  return {
    caseMapping: caseMappingOf(text(options['CASEMAPPING'])),
    channelTypes: list(options['CHANTYPES'])?.join('') ?? plainNetwork.channelTypes,
    statusMarks: list(options['STATUSMSG'])?.join('') ?? '',
    prefixes: prefixesOf(options['PREFIX']) ?? plainNetwork.prefixes,
    parameterModes:
      modes === undefined
        ? plainNetwork.parameterModes
        : { always: `${modes[0] ?? ''}${modes[1] ?? ''}`, whenSet: modes[2] ?? '' },
    lineLength: within(count(options['LINELEN']), 512, 8192) ?? 512,
    nickLength: within(count(options['NICKLEN']), 1, 256) ?? plainNetwork.nickLength,
    joinTargets: joinTargetsOf(text(options['TARGMAX'])),
    ...(topicLength !== undefined && { topicLength }),
  };
}

/** Compares names as the network does. */
export function sameName(network: Network, one: string, other: string): boolean {
  return fold(one, network.caseMapping) === fold(other, network.caseMapping);
}

/** Whether a target is a channel, and which: a status mark before it is taken off. */
export function channelIn(network: Network, target: string): string | undefined {
  let name = target;
  while (name !== '' && network.statusMarks.includes(name.charAt(0)) && isChannel(network, name.slice(1))) {
    name = name.slice(1);
  }
  return isChannel(network, name) ? name : undefined;
}

function isChannel(network: Network, name: string): boolean {
  return name !== '' && network.channelTypes.includes(name.charAt(0));
}

function prefixesOf(value: unknown): Network['prefixes'] | undefined {
  if (!Array.isArray(value)) return undefined;
  return (value as readonly unknown[]).flatMap((one) => {
    const { symbol, mode } = (one ?? {}) as { symbol?: unknown; mode?: unknown };
    return typeof symbol === 'string' && typeof mode === 'string' ? [{ mark: symbol, mode }] : [];
  });
}

/** `TARGMAX=JOIN:4,NAMES:1`; a name without a number is unlimited. */
function joinTargetsOf(value: string | undefined): number {
  const join = value?.split(',').find((one) => one.startsWith('JOIN:'));
  if (join === undefined) return plainNetwork.joinTargets;
  return within(count(join.slice(5)), 1, plainNetwork.joinTargets) ?? plainNetwork.joinTargets;
}

function list(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(value.includes(',') ? ',' : '');
  if (!Array.isArray(value)) return undefined;
  return (value as readonly unknown[]).filter((one): one is string => typeof one === 'string');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value === undefined ? undefined : Math.min(most, Math.max(least, value));
}
