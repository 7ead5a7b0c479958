/* draft/chathistory: what was said before, and how it is played back to those who do not ask. */
import type { Channel } from './channel.js';
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import { History, directKey, type Kept, type Reference } from './history.js';
import { timestamp, type Line } from './line.js';
import { identity, identityOf, shownTo } from './talk.js';
import type { World } from './world.js';

export const chatHistory: Handlers = {
  CHATHISTORY: (world, client, { params }) => {
    const [subcommand = '', ...rest] = params;
    const verb = subcommand.toUpperCase();
    const invalid = (...words: readonly string[]): void => {
      client.standard('FAIL', 'CHATHISTORY', 'INVALID_PARAMS', verb === '' ? '*' : verb, ...words);
    };
    if (!client.can('draft/chathistory')) {
      client.numeric('421', 'CHATHISTORY', 'Unknown command');
      return;
    }
    const counts: Readonly<Record<string, number>> = {
      BEFORE: 3,
      AFTER: 3,
      LATEST: 3,
      AROUND: 3,
      BETWEEN: 4,
      TARGETS: 3,
    };
    const wanted = counts[verb];
    if (wanted === undefined) invalid('Unknown command');
    else if (rest.length < wanted) invalid('Insufficient parameters');
    else if (rest.length > wanted) invalid('Too many parameters');
    else if (verb === 'TARGETS') targets(world, client, rest);
    else query(world, client, verb, rest);
  },
};

/** How many a client may ask for at once: CHATHISTORY; 0 says any number. */
function limited(world: World, asked: string): number | undefined {
  if (!/^\d{1,9}$/.test(asked)) return undefined;
  const most = world.count('CHATHISTORY') ?? 100;
  return most === 0 ? Number(asked) : Math.min(most, Number(asked));
}

function query(world: World, client: Client, verb: string, params: readonly string[]): void {
  const [target = '', ...rest] = params;
  const limit = limited(world, rest.pop() ?? '');
  const fail = (code: string, ...words: readonly string[]): void => {
    client.standard('FAIL', 'CHATHISTORY', code, verb, ...words);
  };
  if (limit === undefined) {
    fail('INVALID_PARAMS', 'Invalid limit');
    return;
  }
  const channel = world.channel(target);
  if (channel ? !channel.members.has(client) : world.isChannel(target)) {
    fail('INVALID_TARGET', target, 'Messages could not be retrieved');
    return;
  }
  const references: (Reference | undefined)[] = [];
  for (const word of rest) {
    if (word === '*' && verb === 'LATEST') {
      references.push(undefined);
      continue;
    }
    const [type = ''] = word.split('=');
    if (!world.text('MSGREFTYPES').split(',').includes(type) && (type === 'msgid' || type === 'timestamp')) {
      fail('INVALID_MSGREFTYPE', target, `${type}-based history requests are not supported`);
      return;
    }
    const reference = referenceOf(word);
    if (reference === undefined) {
      fail('INVALID_PARAMS', word, 'Invalid message reference');
      return;
    }
    references.push(reference);
  }
  const key = channel
    ? world.fold(channel.name)
    : directKey(identity(world, client), identityOf(world, target));
  const visible = world.history.of(key).filter((one) => isVisible(client, one));
  const chosen = choose(visible, verb, references, limit);
  if (chosen === undefined) fail('MESSAGE_ERROR', target, 'Messages could not be retrieved');
  else playBack(world, client, channel?.name ?? target, chosen);
}

function referenceOf(word: string): Reference | undefined {
  if (word.startsWith('msgid=') && word.length > 6) return { msgid: word.slice(6) };
  const [, time] = /^timestamp=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/.exec(word) ?? [];
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : { at };
}

/** Without draft/event-playback: PRIVMSG and NOTICE only. */
function isVisible(client: Client, one: Kept): boolean {
  return (
    !one.isEvent ||
    (client.can('draft/event-playback') && (one.line.command !== 'TAGMSG' || client.can('message-tags')))
  );
}

function choose(
  list: readonly Kept[],
  verb: string,
  references: readonly (Reference | undefined)[],
  limit: number,
): readonly Kept[] | undefined {
  const places = references.map((one) => (one === undefined ? { from: 0, to: 0 } : History.place(list, one)));
  const [first, second] = places;
  if (first === undefined) return undefined;
  const latest = (from: number, to: number): readonly Kept[] => list.slice(Math.max(from, to - limit), to);
  switch (verb) {
    case 'BEFORE':
      return latest(0, first.from);
    case 'AFTER':
      return list.slice(first.to, first.to + limit);
    case 'LATEST':
      return latest(first.to, list.length);
    case 'AROUND': {
      const before = Math.floor(limit / 2);
      const from = Math.max(0, first.from - before);
      return list.slice(from, from + limit);
    }
    default: {
      if (second === undefined) return undefined;
      // Counted from the first on, whichever of them is older.
      return first.from <= second.from
        ? list.slice(first.to, Math.min(second.from, first.to + limit))
        : latest(second.to, first.from);
    }
  }
}

/** Gives messages in a `chathistory` batch, oldest first; bare where the client has no batches. */
function playBack(world: World, client: Client, target: string, messages: readonly Kept[]): void {
  inBatch(world, client, ['chathistory', target], (ref) =>
    messages.flatMap(({ line, parts = [] }) => shownTo(world, client, { head: line, parts }, ref)),
  );
}

function inBatch(
  world: World,
  client: Client,
  params: readonly string[],
  lines: (ref: string | undefined) => readonly Line[],
): void {
  const ref = client.can('batch') ? world.nextBatch() : undefined;
  if (ref !== undefined) client.deliver(world.own('BATCH', `+${ref}`, ...params));
  for (const line of lines(ref)) client.deliver(line);
  if (ref !== undefined) client.deliver(world.own('BATCH', `-${ref}`));
}

function targets(world: World, client: Client, [one = '', other = '', asked = '']: readonly string[]): void {
  const [first, second] = [referenceOf(one), referenceOf(other)];
  const limit = limited(world, asked);
  if (
    first === undefined ||
    second === undefined ||
    !('at' in first) ||
    !('at' in second) ||
    limit === undefined
  ) {
    client.standard('FAIL', 'CHATHISTORY', 'INVALID_PARAMS', 'TARGETS', 'Invalid timestamp');
    return;
  }
  const [from, to] = [Math.min(first.at, second.at), Math.max(first.at, second.at)];
  const me = identity(world, client);
  const found: { name: string; at: number }[] = [];
  for (const key of world.history.keys()) {
    const last = world.history.of(key).findLast((message) => isVisible(client, message));
    if (last === undefined || last.at <= from || last.at >= to) continue;
    const channel = [...client.channels].find(({ name }) => world.fold(name) === key);
    const parties = key.split(' ');
    if (channel !== undefined) found.push({ name: channel.name, at: last.at });
    else if (parties.length === 2 && parties.includes(me)) {
      const other = parties.find((party) => party !== me) ?? me;
      const user = [...world.users.values()].find((candidate) => identity(world, candidate) === other);
      found.push({ name: user?.nick ?? other.slice(2), at: last.at });
    }
  }
  found.sort((a, b) => (first.at <= second.at ? a.at - b.at : b.at - a.at));
  inBatch(world, client, ['draft/chathistory-targets'], (ref) =>
    found.slice(0, limit).map(({ name, at }) => ({
      ...world.own('CHATHISTORY', 'TARGETS', name, timestamp(at)),
      ...(ref !== undefined && { tags: new Map([['batch', ref]]) }),
    })),
  );
}

/** Some servers show the latest messages to whoever joins; never to those who will ask (draft/chathistory). */
export function joinPlayback(world: World, client: Client, channel: Channel): void {
  const { autoHistory = 0 } = world.options;
  if (autoHistory === 0 || client.can('draft/chathistory')) return;
  const kept = world.history.of(world.fold(channel.name)).filter(({ isEvent }) => !isEvent);
  if (kept.length > 0) playBack(world, client, channel.name, kept.slice(-autoHistory));
}
