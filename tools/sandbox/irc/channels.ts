/* Coming, going and being thrown out: JOIN, PART, KICK, INVITE, KNOCK, TOPIC, NAMES. */
import type { Channel } from './channel.js';
import { joinPlayback } from './chathistory.js';
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import { markOnJoin } from './marks.js';
import type { User } from './user.js';
import type { World } from './world.js';

export const channels: Handlers = {
  JOIN: (world, client, { params }) => {
    const [names, keys = ''] = params;
    if (names === undefined) {
      client.numeric('461', 'JOIN', 'Not enough parameters');
      return;
    }
    if (names === '0') {
      for (const channel of [...client.channels]) part(world, client, channel, 'Left all channels');
      return;
    }
    const wanted = names.split(',');
    if (wanted.length > world.targets('JOIN')) {
      client.numeric('407', names, 'Too many targets');
      return;
    }
    const given = keys.split(',');
    wanted.forEach((name, index) => {
      join(world, client, name, given[index]);
    });
  },
  PART: (world, client, { params: [names = '', reason] }) => {
    for (const name of names.split(',')) {
      const channel = memberOf(world, client, name);
      if (channel !== undefined) part(world, client, channel, reason);
    }
  },
  KICK: (world, client, { params: [name = '', nick = '', reason] }) => {
    const channel = operatorOf(world, client, name);
    if (channel === undefined) return;
    const target = world.user(nick);
    if (target === undefined || !channel.members.has(target)) {
      client.numeric('441', nick, channel.name, "They aren't on that channel");
      return;
    }
    if (world.rankOf(channel, target) < world.rankOf(channel, client)) {
      client.numeric('482', channel.name, 'They have a higher rank');
      return;
    }
    const line = world.from(client, 'KICK', [channel.name, target.nick, reason ?? client.nick]);
    world.tell(channel.listeners, line);
    world.remember(channel, line);
    world.remove(channel, target);
  },
  INVITE: (world, client, { params: [nick = '', name = ''] }) => {
    const channel = memberOf(world, client, name);
    if (channel === undefined) return;
    const target = world.user(nick);
    if (target === undefined) {
      client.numeric('401', nick, 'No such nick/channel');
      return;
    }
    if (channel.members.has(target)) {
      client.numeric('443', target.nick, channel.name, 'is already on channel');
      return;
    }
    if (channel.flags.has('i') && !world.isOperator(channel, client)) {
      client.numeric('482', channel.name, "You're not channel operator");
      return;
    }
    channel.invited.add(target);
    client.numeric('341', target.nick, channel.name);
    const line = world.from(client, 'INVITE', [target.nick, channel.name]);
    target.deliver(line);
    // invite-notify, "Notes": those who could have invited themselves.
    world.tell(
      channel.listeners,
      line,
      (one) => one !== client && one.can('invite-notify') && world.isOperator(channel, one),
    );
    if (target.away !== undefined) client.numeric('301', target.nick, target.away);
  },
  KNOCK: (world, client, { params: [name = '', reason = 'has asked for an invite'] }) => {
    const channel = world.channel(name);
    if (channel === undefined || channel.isHiddenFrom(client)) {
      client.numeric('403', name, 'No such channel');
    } else if (channel.members.has(client)) {
      client.numeric('714', channel.name, 'You are already on that channel');
    } else if (!channel.flags.has('i')) {
      client.numeric('713', channel.name, 'Channel is open');
    } else {
      for (const member of channel.listeners) {
        if (world.isOperator(channel, member)) {
          member.deliver(world.own('710', member.nick, channel.name, client.mask, reason));
        }
      }
      client.numeric('711', channel.name, 'Your KNOCK has been delivered');
    }
  },
  TOPIC: (world, client, { params: [name = '', text] }) => {
    if (text === undefined) {
      const channel = world.channel(name);
      if (channel === undefined || channel.isHiddenFrom(client))
        client.numeric('403', name, 'No such channel');
      else showTopic(client, channel, true);
      return;
    }
    const channel = memberOf(world, client, name);
    if (channel === undefined) return;
    if (channel.flags.has('t') && !world.isOperator(channel, client)) {
      client.numeric('482', channel.name, "You're not channel operator");
      return;
    }
    const shortened = Buffer.from(text)
      .subarray(0, world.count('TOPICLEN') ?? 307)
      .toString();
    channel.topic = text === '' ? undefined : { text: shortened, by: client.mask, at: world.now() };
    const line = world.from(client, 'TOPIC', [channel.name, shortened]);
    world.tell(channel.listeners, line);
    world.remember(channel, line);
  },
  NAMES: (world, client, { params: [names = ''] }) => {
    for (const name of names.split(',')) {
      const channel = world.channel(name);
      if (channel === undefined || channel.isHiddenFrom(client)) {
        client.numeric('366', name === '' ? '*' : name, 'End of /NAMES list');
      } else {
        showNames(world, client, channel);
      }
    }
  },
};

/** The channel if the client is in it; told why not otherwise. */
export function memberOf(world: World, client: Client, name: string): Channel | undefined {
  const channel = world.channel(name);
  if (channel === undefined) {
    client.numeric('403', name === '' ? '*' : name, 'No such channel');
    return undefined;
  }
  if (!channel.members.has(client)) {
    client.numeric('442', channel.name, "You're not on that channel");
    return undefined;
  }
  return channel;
}

/** The channel if the client may steer it. */
function operatorOf(world: World, client: Client, name: string): Channel | undefined {
  const channel = memberOf(world, client, name);
  if (channel === undefined) return undefined;
  if (world.isOperator(channel, client)) return channel;
  client.numeric('482', channel.name, "You're not channel operator");
  return undefined;
}

function join(world: World, client: Client, name: string, key: string | undefined): void {
  if (!world.isChannel(name)) {
    client.numeric(/^[#&+!]/.test(name) ? '479' : '403', name === '' ? '*' : name, 'No such channel');
    return;
  }
  const channel = world.channel(name) ?? world.channelMade(name);
  if (channel.members.has(client)) return;
  const refused = refusal(world, client, channel, key);
  if (refused !== undefined) {
    client.numeric(...refused);
    return;
  }
  enter(world, client, channel);
  if (channel.topic !== undefined) showTopic(client, channel, false);
  markOnJoin(world, client, channel);
  if (!client.can('no-implicit-names')) showNames(world, client, channel);
  joinPlayback(world, client, channel);
}

/** Why somebody may not come in: the numeric, the channel, the words. */
function refusal(
  world: World,
  client: Client,
  channel: Channel,
  key: string | undefined,
): [numeric: string, channel: string, why: string] | undefined {
  const fold = (name: string): string => world.fold(name);
  const isInvited = channel.invited.has(client);
  const why = (numeric: string, letter: string): [string, string, string] => [
    numeric,
    channel.name,
    `Cannot join channel (+${letter})`,
  ];
  if (channel.isBanned(client, fold)) return why('474', 'b');
  if (channel.flags.has('i') && !isInvited && !channel.isListed('I', client, fold)) return why('473', 'i');
  if (channel.flags.has('R') && client.account === undefined) return why('477', 'R');
  if (channel.key !== undefined && key !== channel.key) return why('475', 'k');
  if (channel.limit !== undefined && channel.members.size >= channel.limit && !isInvited)
    return why('471', 'l');
  return undefined;
}

/** Puts somebody into a channel and tells everybody there; the first one steers it. */
export function enter(world: World, user: User, channel: Channel): void {
  const highest = world.ranks.find(({ mode }) => mode === 'o')?.mode;
  const isFirst = channel.members.size === 0;
  channel.admit(user, isFirst && highest !== undefined ? [highest] : []);
  const line = world.from(user, 'JOIN', [channel.name]);
  const extended = world.from(user, 'JOIN', [channel.name, user.account ?? '*', user.realName]);
  for (const member of channel.listeners) {
    member.deliver(member.can('extended-join') ? extended : line);
    // away-notify: whoever comes while away is told of as away.
    if (member !== user && user.away !== undefined && member.can('away-notify')) {
      member.deliver(world.from(user, 'AWAY', [user.away]));
    }
  }
  world.remember(channel, line);
}

/** Takes a member out and tells everybody there. */
export function part(world: World, user: User, channel: Channel, reason: string | undefined): void {
  const line = world.from(user, 'PART', [channel.name, ...(reason === undefined ? [] : [reason])]);
  world.tell(channel.listeners, line);
  world.remember(channel, line);
  world.remove(channel, user);
}

function showTopic(client: Client, channel: Channel, asked: boolean): void {
  const { topic } = channel;
  if (topic === undefined) {
    if (asked) client.numeric('331', channel.name, 'No topic is set');
    return;
  }
  client.numeric('332', channel.name, topic.text);
  client.numeric('333', channel.name, topic.by, String(Math.floor(topic.at / 1000)));
}

function showNames(world: World, client: Client, channel: Channel): void {
  const mark = channel.flags.has('s') ? '@' : channel.flags.has('p') ? '*' : '=';
  const all = client.can('multi-prefix');
  const masks = client.can('userhost-in-names');
  let line = '';
  const most = (world.count('LINELEN') ?? 512) - 80 - channel.name.length - client.nick.length;
  const isOutside = !channel.members.has(client);
  for (const member of channel.members.keys()) {
    if (isOutside && member.modes.has('i')) continue;
    const name = `${world.marksOf(channel, member, all)}${masks ? member.mask : member.nick}`;
    if (line.length + name.length > most) {
      client.numeric('353', mark, channel.name, line);
      line = '';
    }
    line += line === '' ? name : ` ${name}`;
  }
  if (line !== '') client.numeric('353', mark, channel.name, line);
  client.numeric('366', channel.name, 'End of /NAMES list');
}
