import { caseMappingOf, fold, type CaseMapping } from './case-mapping.js';

/** What the server said about itself (ISUPPORT), believed only in the shapes we know. */
export interface Network {
  /** What the network calls itself (NETWORK). */
  readonly name?: string;
  readonly caseMapping: CaseMapping;
  readonly channelTypes: string;
  /** Marks that may stand before a channel to address its operators or voiced members only. */
  readonly statusMarks: string;
  /** Member marks and their modes, highest first: `@` → `o`. */
  readonly prefixes: readonly { readonly mark: string; readonly mode: string }[];
  /** Channel modes that take a parameter: always, and when set. Without the prefix modes. */
  readonly parameterModes: { readonly always: string; readonly whenSet: string };
  /** Channel modes that are lists: bans, exceptions, invitations. They are among `parameterModes.always` too. */
  readonly listModes: string;
  /** How many modes with a parameter one MODE may change. */
  readonly modesPerLine: number;
  /** Longest line in bytes with its line end. */
  readonly lineLength: number;
  readonly nickLength: number;
  readonly channelLength?: number;
  readonly topicLength?: number;
  readonly kickLength?: number;
  readonly awayLength?: number;
  readonly userLength?: number;
  readonly hostLength?: number;
  /** How many channels one JOIN may name. */
  readonly joinTargets: number;
  /** How many targets a command may name (TARGMAX), by its upper-case name; Infinity where there is no limit. */
  readonly targets: ReadonlyMap<string, number>;
  /** How many nicks MONITOR or WATCH keeps an eye on; undefined where the server has not got it. */
  readonly monitor?: number;
  readonly watch?: number;
  /** Nobody is thrown out for being too fast: the server reads at its own pace (SAFERATE). */
  readonly safeRate: boolean;
  /** LIST may be asked whole (SAFELIST), and with which conditions (ELIST: M, N, U, C, T). */
  readonly safeList: boolean;
  readonly listConditions: string;
  readonly whox: boolean;
  readonly knock: boolean;
  /** The user mode that marks a bot. */
  readonly botMode?: string;
  readonly utf8Only: boolean;
  /** Client tags that the server does not carry (CLIENTTAGDENY). */
  readonly deniedTags: { readonly all: boolean; readonly but: ReadonlySet<string> };
  /** Most messages that one CHATHISTORY gives; undefined where the server says nothing. 0 is "no limit". */
  readonly historyLimit?: number;
  /** How CHATHISTORY may name a message (MSGREFTYPES), best first. */
  readonly historyReferences: readonly ('msgid' | 'timestamp')[];
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
  listModes: 'b',
  modesPerLine: 3,
  lineLength: 512,
  nickLength: 30,
  joinTargets: 10,
  targets: new Map(),
  safeRate: false,
  safeList: false,
  listConditions: '',
  whox: false,
  knock: false,
  utf8Only: false,
  deniedTags: { all: false, but: new Set() },
  historyReferences: ['msgid', 'timestamp'],
};

/** Reads ISUPPORT tokens. A value that makes no sense is as good as none. */
export function networkOf(tokens: ReadonlyMap<string, string>): Network {
  const token = (name: string): string | undefined => tokens.get(name) ?? tokens.get(`draft/${name}`);
  const modes = token('CHANMODES')?.split(',');
  const targets = targetsOf(token('TARGMAX'), token('MAXTARGETS'));
  const references = (token('MSGREFTYPES') ?? '')
    .split(',')
    .filter((one) => one === 'msgid' || one === 'timestamp');
  const botMode = token('BOT');
  return {
    ...plainNetwork,
    caseMapping: caseMappingOf(token('CASEMAPPING')),
    channelTypes: token('CHANTYPES') ?? plainNetwork.channelTypes,
    statusMarks: token('STATUSMSG') ?? '',
    prefixes: prefixesOf(token('PREFIX')) ?? plainNetwork.prefixes,
    ...(modes !== undefined && {
      parameterModes: { always: `${modes[0] ?? ''}${modes[1] ?? ''}`, whenSet: modes[2] ?? '' },
      listModes: modes[0] ?? '',
    }),
    modesPerLine: within(count(token('MODES')), 1, 100) ?? (token('MODES') === '' ? 100 : 3),
    lineLength: within(count(token('LINELEN')), 512, 8192) ?? 512,
    nickLength:
      within(count(token('NICKLEN')) ?? count(token('MAXNICKLEN')), 1, 256) ?? plainNetwork.nickLength,
    ...optional('channelLength', within(count(token('CHANNELLEN')), 1, 512)),
    ...optional('topicLength', count(token('TOPICLEN'))),
    ...optional('kickLength', count(token('KICKLEN'))),
    ...optional('awayLength', count(token('AWAYLEN'))),
    ...optional('userLength', within(count(token('USERLEN')), 1, 64)),
    ...optional('hostLength', within(count(token('HOSTLEN')), 1, 255)),
    joinTargets: within(targets.get('JOIN'), 1, plainNetwork.joinTargets) ?? plainNetwork.joinTargets,
    targets,
    ...optional('monitor', capacity(token('MONITOR'))),
    ...optional('watch', capacity(token('WATCH'))),
    safeRate: token('SAFERATE') !== undefined,
    safeList: token('SAFELIST') !== undefined,
    listConditions: (token('ELIST') ?? '').toUpperCase(),
    whox: token('WHOX') !== undefined,
    knock: token('KNOCK') !== undefined,
    ...optional('botMode', botMode !== undefined && /^[A-Za-z]$/.test(botMode) ? botMode : undefined),
    utf8Only: token('UTF8ONLY') !== undefined,
    deniedTags: deniedTagsOf(token('CLIENTTAGDENY')),
    ...optional('historyLimit', count(token('CHATHISTORY'))),
    historyReferences: references.length > 0 ? references : plainNetwork.historyReferences,
    ...optional('name', token('NETWORK') === '' ? undefined : token('NETWORK')?.slice(0, 64).toWellFormed()),
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

/** Whether the server carries a client tag (`typing`, `+draft/reply`; the plus may be left out). */
export function carriesTag(network: Network, tag: string): boolean {
  const { all, but } = network.deniedTags;
  return but.has(tag.replace(/^\+/, '')) === all;
}

/** How many targets one line of a command may name; 1 where the server has not said. */
export function targetsFor(network: Network, command: string): number {
  return network.targets.get(command) ?? 1;
}

function isChannel(network: Network, name: string): boolean {
  return name !== '' && network.channelTypes.includes(name.charAt(0));
}

/** `PREFIX=(qaohv)~&@%+`; without a value nobody has a mark. */
function prefixesOf(value: string | undefined): Network['prefixes'] | undefined {
  if (value === '') return [];
  const [, modes = '', marks = ''] = /^\(([A-Za-z]*)\)(\S*)$/.exec(value ?? '') ?? [];
  if (modes === '' || modes.length !== marks.length) return undefined;
  return Array.from(modes, (mode, at) => ({ mark: marks.charAt(at), mode }));
}

/** `TARGMAX=JOIN:4,NAMES:1,PRIVMSG:`; a name without a number is unlimited. Older servers say MAXTARGETS for speech. */
function targetsOf(value: string | undefined, speech: string | undefined): ReadonlyMap<string, number> {
  const targets = new Map<string, number>();
  const most = count(speech);
  if (most !== undefined) for (const verb of ['PRIVMSG', 'NOTICE']) targets.set(verb, most);
  for (const one of value?.split(',') ?? []) {
    const [name = '', limit = ''] = one.split(':');
    const number = limit === '' ? Infinity : count(limit);
    if (/^[A-Za-z]+$/.test(name) && number !== undefined) targets.set(name.toUpperCase(), number);
  }
  return targets;
}

/** `CLIENTTAGDENY=*,-typing` or `=draft/react,typing`. */
function deniedTagsOf(value: string | undefined): Network['deniedTags'] {
  const entries = value?.split(',') ?? [];
  const all = entries.includes('*');
  const but = entries.flatMap((one) => {
    if (one === '*' || one === '' || one.startsWith('-') !== all) return [];
    return [one.replace(/^-/, '')];
  });
  return { all, but: new Set(but) };
}

/** `MONITOR=100`; without a number there is no limit. */
function capacity(value: string | undefined): number | undefined {
  return value === '' ? Infinity : count(value);
}

function count(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value === undefined ? undefined : Math.min(most, Math.max(least, value));
}

function optional<K extends keyof Network>(key: K, value: Network[K] | undefined): Partial<Pick<Network, K>> {
  return value === undefined ? {} : ({ [key]: value } as Pick<Network, K>);
}
