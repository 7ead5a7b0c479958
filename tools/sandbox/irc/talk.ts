/* What people say: PRIVMSG, NOTICE, TAGMSG (message-tags) and REDACT (draft/message-redaction). */
import type { Channel } from './channel.js';
import { Client } from './client.js';
import type { Handler, Handlers } from './commands.js';
import { directKey } from './history.js';
import type { Line, Tags } from './line.js';
import { hearService, isService } from './services.js';
import type { User } from './user.js';
import type { World } from './world.js';

export type Verb = 'PRIVMSG' | 'NOTICE' | 'TAGMSG';

/** One line of a multiline message. */
export interface Part {
  readonly text: string;
  readonly concat: boolean;
}

export const talk: Handlers = {
  PRIVMSG: said('PRIVMSG'),
  NOTICE: said('NOTICE'),
  TAGMSG: said('TAGMSG'),
  REDACT: (world, client, { params: [target, msgid, reason] }) => {
    if (target === undefined || msgid === undefined) {
      client.numeric('461', 'REDACT', 'Not enough parameters');
      return;
    }
    const channel = world.channel(target);
    if (channel !== undefined && !channel.members.has(client)) {
      client.standard(
        'FAIL',
        'REDACT',
        'INVALID_TARGET',
        target,
        `You cannot delete messages from ${target}`,
      );
      return;
    }
    const key = channel
      ? world.fold(channel.name)
      : directKey(identity(world, client), identityOf(world, target));
    const message = world.history.find(key, msgid);
    if (message === undefined) {
      const why = 'This message does not exist or is too old';
      client.standard('FAIL', 'REDACT', 'UNKNOWN_MSGID', target, msgid, why);
      return;
    }
    if (message.author !== identity(world, client) && !(channel && world.isOperator(channel, client))) {
      const why = 'You are not authorised to delete this message';
      client.standard('FAIL', 'REDACT', 'REDACT_FORBIDDEN', target, msgid, why);
      return;
    }
    world.history.erase(key, msgid);
    const params = [channel?.name ?? target, msgid, ...(reason === undefined ? [] : [reason])];
    const line = world.from(client, 'REDACT', params);
    const knows = (user: User): boolean => user.can('draft/message-redaction');
    const others = channel ? [...channel.listeners] : [world.user(target)].filter((one) => one !== undefined);
    world.tell(others, line, (one) => one !== client && knows(one));
    if (client.can('echo-message') && knows(client)) client.deliver({ ...line, isEcho: true });
  },
};

function said(verb: Verb): Handler {
  return (world, client, { params: [targets, text], tags }) => {
    if (verb === 'TAGMSG' && !client.can('message-tags')) {
      client.numeric('421', verb, 'Unknown command');
      return;
    }
    if (targets === undefined || targets === '') {
      client.numeric('411', `No recipient given (${verb})`);
      return;
    }
    if (verb !== 'TAGMSG' && (text === undefined || text === '')) {
      client.numeric('412', 'No text to send');
      return;
    }
    const list = [...new Set(targets.split(','))];
    if (list.length > world.targets(verb)) {
      client.numeric('407', targets, 'Too many targets');
      return;
    }
    for (const target of list) {
      const parts = verb === 'TAGMSG' ? [] : [{ text: text ?? '', concat: false }];
      speak(world, client, { verb, target, parts, tags });
    }
  };
}

/** Who somebody is to the history: their account, else their nick. */
export function identity(world: World, user: User): string {
  return user.account === undefined ? `n:${world.fold(user.nick)}` : `a:${world.fold(user.account)}`;
}

/** The same of a name: whoever is there, else an account of that name, else the nick. */
export function identityOf(world: World, name: string): string {
  const user = world.user(name);
  if (user !== undefined) return identity(world, user);
  return world.accounts.has(world.fold(name)) ? `a:${world.fold(name)}` : `n:${world.fold(name)}`;
}

/** Says something to one target: a channel, some ranks of one (STATUSMSG), or somebody. */
export function speak(
  world: World,
  client: Client,
  message: {
    readonly verb: Verb;
    readonly target: string;
    readonly parts: readonly Part[];
    readonly tags: Tags;
  },
): void {
  const { verb, target, parts } = message;
  const complain = (...words: readonly [string, ...string[]]): void => {
    // RFC 1459 §4.4.2: a NOTICE is never answered.
    if (verb !== 'NOTICE') client.numeric(...words);
  };
  const { channel, mark } = channelOf(world, target);
  const tags = new Map<string, string>([['msgid', world.history.nextId()]]);
  for (const [key, value] of message.tags) if (isRelayed(world, key)) tags.set(key, value);
  client.lastSaid = world.now();

  if (channel !== undefined) {
    const refused = cannotSpeak(world, client, channel, parts);
    if (refused !== undefined) {
      complain('404', channel.name, refused);
      return;
    }
    const lines = linesOf(world, client, { verb, target: `${mark}${channel.name}`, parts, tags });
    const least = world.ranks.findIndex((rank) => rank.mark === mark);
    for (const member of channel.listeners) {
      if (member !== client && (mark === '' || world.rankOf(channel, member) <= least))
        give(world, member, lines);
    }
    if (client.can('echo-message')) give(world, client, lines, 'echo');
    if (mark === '') keep(world, client, world.fold(channel.name), lines);
    return;
  }
  const text = parts.map((part) => part.text).join('\n');
  if (isService(world, target)) {
    if (verb === 'PRIVMSG' && hearService(world, client, text)) {
      if (client.can('echo-message'))
        give(world, client, linesOf(world, client, { verb, target, parts, tags }), 'echo');
      return;
    }
    if (!world.servicesAreHere) complain('401', target, 'Services are away');
    return;
  }
  const receiver = world.user(target);
  if (receiver === undefined || (receiver instanceof Client && !receiver.isRegistered)) {
    if (/^[#&+!]/.test(target)) complain('403', target, 'No such channel');
    else complain('401', target, 'No such nick/channel');
    return;
  }
  if (receiver.modes.has('R') && client.account === undefined && receiver !== client) {
    complain('531', receiver.nick, 'You must be identified to message this user');
    return;
  }
  const lines = linesOf(world, client, { verb, target: receiver.nick, parts, tags });
  if (receiver === client) give(world, client, lines, 'apart');
  else give(world, receiver, lines);
  if (client.can('echo-message')) give(world, client, lines, 'echo');
  if (verb === 'PRIVMSG' && receiver.away !== undefined) client.numeric('301', receiver.nick, receiver.away);
  keep(world, client, directKey(identity(world, client), identity(world, receiver)), lines);
}

/** A channel, perhaps with a mark before it that picks those of a rank and higher (STATUSMSG). */
function channelOf(world: World, target: string): { channel?: Channel; mark: string } {
  const plain = world.channel(target);
  if (plain !== undefined) return { channel: plain, mark: '' };
  const mark = target.charAt(0);
  const channel =
    mark !== '' && world.text('STATUSMSG').includes(mark) ? world.channel(target.slice(1)) : undefined;
  return channel === undefined ? { mark: '' } : { channel, mark };
}

/** Client-only tags that are not blocked (message-tags, CLIENTTAGDENY). */
function isRelayed(world: World, key: string): boolean {
  if (!key.startsWith('+')) return false;
  const denied = world.text('CLIENTTAGDENY').split(',');
  const name = key.slice(1);
  return denied[0] === '*' ? denied.includes(`-${name}`) : !denied.includes(name);
}

function cannotSpeak(
  world: World,
  client: Client,
  channel: Channel,
  parts: readonly Part[],
): string | undefined {
  const fold = (name: string): string => world.fold(name);
  const isIn = channel.members.has(client);
  const hasRank = world.rankOf(channel, client) !== Infinity;
  if (channel.flags.has('n') && !isIn) return 'Cannot send to channel (no external messages)';
  if (channel.flags.has('m') && !hasRank) return 'Cannot send to channel (+m)';
  if (channel.flags.has('M') && client.account === undefined && !hasRank) {
    return 'Cannot send to channel (+M): you need to be identified';
  }
  if (channel.isBanned(client, fold) && !hasRank) return 'Cannot send to channel (you are banned)';
  const isCtcp = parts.some(({ text }) => text.startsWith('\x01') && !text.startsWith('\x01ACTION'));
  return channel.flags.has('C') && isCtcp ? 'Cannot send CTCP to channel (+C)' : undefined;
}

/** A message as lines: alone, or the head of a multiline batch with its parts. */
export interface Spoken {
  readonly head: Line;
  readonly parts: readonly Line[];
}

function linesOf(
  world: World,
  client: Client,
  { verb, target, parts, tags }: { verb: Verb; target: string; parts: readonly Part[]; tags: Tags },
): Spoken {
  const [first] = parts;
  if (parts.length < 2) {
    return { head: world.from(client, verb, [target, ...(first ? [first.text] : [])], tags), parts: [] };
  }
  return {
    head: world.from(client, 'BATCH', ['draft/multiline', target], tags),
    parts: parts.map(({ text, concat }) => ({
      source: client.mask,
      command: verb,
      params: [target, text],
      ...(concat && { tags: new Map([['draft/multiline-concat', '']]) }),
    })),
  };
}

/** The lines of a message as this client understands them (draft/multiline, "Fallback"). */
export function shownTo(world: World, user: User, { head, parts }: Spoken, outer?: string): readonly Line[] {
  const within = (line: Line, ref: string | undefined): Line =>
    ref === undefined ? line : { ...line, tags: new Map([...(line.tags ?? []), ['batch', ref]]) };
  if (parts.length === 0) return [within(head, outer)];
  if (user.can('draft/multiline') && user.can('batch')) {
    const ref = world.nextBatch();
    return [
      within({ ...head, params: [`+${ref}`, ...head.params] }, outer),
      ...parts.map((part) => within(part, ref)),
      within(world.own('BATCH', `-${ref}`), outer),
    ];
  }
  const visible = parts.filter(({ params }) => params[1] !== '');
  const later = new Map([...(head.tags ?? [])].filter(([key]) => key === 'time' || key === 'account'));
  return visible.map((part, index) => {
    return within({ ...part, tags: index === 0 ? (head.tags ?? new Map<string, string>()) : later }, outer);
  });
}

function give(world: World, user: User, spoken: Spoken, how?: 'echo' | 'apart'): void {
  if (spoken.head.command === 'TAGMSG' && !user.can('message-tags')) return;
  for (const line of shownTo(world, user, spoken)) {
    if (how === 'apart' && user instanceof Client) user.deliverApart(line);
    else user.deliver(how === 'echo' ? { ...line, isEcho: true } : line);
  }
}

function keep(world: World, client: Client, key: string, { head, parts }: Spoken): void {
  world.history.keep(key, {
    line: head,
    ...(parts.length > 0 && { parts }),
    msgid: head.tags?.get('msgid') ?? '',
    at: Date.parse(head.tags?.get('time') ?? ''),
    isEvent: head.command === 'TAGMSG',
    author: identity(world, client),
  });
}
