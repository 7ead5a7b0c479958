/* MODE, of channels and of oneself (RFC 2812 §3.1.5, §3.2.3), with the letters that CHANMODES and PREFIX announce. */
import type { Channel } from './channel.js';
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import { completeMask } from './names.js';
import type { World } from './world.js';

export const modes: Handlers = {
  MODE: (world, client, { params: [target = '', letters, ...parameters] }) => {
    const channel = world.channel(target);
    if (channel !== undefined) channelMode(world, client, channel, letters, parameters);
    else if (world.isChannel(target)) client.numeric('403', target, 'No such channel');
    else ownMode(world, client, target, letters);
  },
};

const listNumerics: Readonly<Record<string, readonly [entry: string, end: string, what: string]>> = {
  b: ['367', '368', 'ban'],
  e: ['348', '349', 'exception'],
  I: ['346', '347', 'invite'],
};

function channelMode(
  world: World,
  client: Client,
  channel: Channel,
  letters: string | undefined,
  parameters: readonly string[],
): void {
  if (letters === undefined) {
    client.numeric('324', channel.name, ...channel.modeLine(channel.members.has(client)));
    client.numeric('329', channel.name, String(Math.floor(channel.createdAt / 1000)));
    return;
  }
  const asked = /^\+?([beI])$/.exec(letters)?.[1];
  if (asked !== undefined && parameters.length === 0) {
    const [entry, end, what] = listNumerics[asked] ?? ['367', '368', 'ban'];
    for (const { mask, by, at } of channel.lists.get(asked) ?? []) {
      client.numeric(entry, channel.name, mask, by, String(Math.floor(at / 1000)));
    }
    client.numeric(end, channel.name, `End of channel ${what} list`);
    return;
  }
  if (!world.isOperator(channel, client)) {
    client.numeric('482', channel.name, "You're not channel operator");
    return;
  }
  const changes = changeAll(world, client, channel, letters, parameters);
  if (changes.length === 0) return;
  let written = '';
  let sign: boolean | undefined;
  for (const { set, letter } of changes) {
    if (set !== sign) written += set ? '+' : '-';
    sign = set;
    written += letter;
  }
  const more = changes.flatMap(({ parameter }) => (parameter === undefined ? [] : [parameter]));
  const line = world.from(client, 'MODE', [channel.name, written, ...more]);
  world.tell(channel.listeners, line);
  world.remember(channel, line);
}

interface Change {
  readonly set: boolean;
  readonly letter: string;
  readonly parameter?: string;
}

function changeAll(
  world: World,
  client: Client,
  channel: Channel,
  letters: string,
  parameters: readonly string[],
): readonly Change[] {
  const [lists = '', always = '', whenSet = '', flags = ''] = world.text('CHANMODES').split(',');
  const ranks = world.ranks.map(({ mode }) => mode);
  const most = world.count('MODES') ?? 3;
  const changes: Change[] = [];
  const rest = [...parameters];
  let set = true;
  let withParameter = 0;
  for (const letter of letters) {
    if (letter === '+' || letter === '-') {
      set = letter === '+';
      continue;
    }
    const takes =
      lists.includes(letter) ||
      always.includes(letter) ||
      ranks.includes(letter) ||
      (set && whenSet.includes(letter));
    if (takes && ++withParameter > most) continue;
    const parameter = takes ? rest.shift() : undefined;
    if (takes && (parameter === undefined || parameter === '')) continue;
    const known = takes || whenSet.includes(letter) || flags.includes(letter);
    if (!known) {
      client.numeric('472', letter, 'is unknown mode char to me');
      continue;
    }
    const done = changeOne(world, client, channel, {
      set,
      letter,
      ...(parameter !== undefined && { parameter }),
    });
    if (done !== undefined) changes.push(done);
  }
  return changes;
}

/** Makes one change; undefined where it changes nothing or may not be made. */
function changeOne(world: World, client: Client, channel: Channel, change: Change): Change | undefined {
  const { set, letter, parameter } = change;
  const rank = world.ranks.findIndex(({ mode }) => mode === letter);
  if (rank !== -1) {
    const target = world.user(parameter ?? '');
    const held = target && channel.members.get(target);
    if (target === undefined || held === undefined) {
      client.numeric('441', parameter ?? '', channel.name, "They aren't on that channel");
      return undefined;
    }
    // Nobody gives or takes a rank above their own; to lay one's own down is free.
    if (rank < world.rankOf(channel, client) && !(target === client && !set)) {
      client.numeric('482', channel.name, 'That rank is above yours');
      return undefined;
    }
    if (held.has(letter) === set) return undefined;
    if (set) held.add(letter);
    else held.delete(letter);
    return { ...change, parameter: target.nick };
  }
  const list = channel.lists.get(letter);
  if (list !== undefined && parameter !== undefined) {
    const mask = completeMask(parameter);
    const at = list.findIndex((one) => world.fold(one.mask) === world.fold(mask));
    if (set === (at !== -1)) return undefined;
    if (set) list.push({ mask, by: client.mask, at: world.now() });
    else list.splice(at, 1);
    return { ...change, parameter: mask };
  }
  if (letter === 'k') {
    if (!set && channel.key === undefined) return undefined;
    channel.key = set ? parameter : undefined;
    return { ...change, parameter: set ? (parameter ?? '') : '*' };
  }
  if (letter === 'l') {
    const limit = Number(parameter);
    if (set && !(limit > 0)) return undefined;
    if (!set && channel.limit === undefined) return undefined;
    channel.limit = set ? limit : undefined;
    return change;
  }
  if (channel.flags.has(letter) === set) return undefined;
  if (set) channel.flags.add(letter);
  else channel.flags.delete(letter);
  return change;
}

/** `i` invisible, `B` a bot (bot-mode), `R` takes messages of registered users only. */
function ownMode(world: World, client: Client, target: string, letters: string | undefined): void {
  if (world.user(target) === undefined) {
    client.numeric('401', target, 'No such nick/channel');
    return;
  }
  if (world.user(target) !== client) {
    client.numeric('502', "Can't change mode for other users");
    return;
  }
  if (letters === undefined) {
    client.numeric('221', `+${[...client.modes].sort().join('')}`);
    return;
  }
  let set = true;
  let written = '';
  for (const letter of letters) {
    if (letter === '+' || letter === '-') {
      set = letter === '+';
      continue;
    }
    const mode = letter === world.text('BOT') ? 'B' : letter;
    if (!'iBRw'.includes(mode)) {
      client.numeric('501', 'Unknown MODE flag');
      continue;
    }
    if (client.modes.has(mode) === set) continue;
    if (set) client.modes.add(mode);
    else client.modes.delete(mode);
    written += `${set ? '+' : '-'}${letter}`;
  }
  if (written !== '') client.deliver(world.from(client, 'MODE', [client.nick, written]));
}
