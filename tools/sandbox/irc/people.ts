/* About people: WHOIS, WHO with whox, AWAY (away-notify), SETNAME (setname). */
import type { Channel } from './channel.js';
import { Client } from './client.js';
import type { Handlers } from './commands.js';
import { fits } from './names.js';
import type { User } from './user.js';
import type { World } from './world.js';

export const people: Handlers = {
  AWAY: (world, client, { params: [text] }) => {
    const away = text === undefined || text === '' ? undefined : text.slice(0, world.count('AWAYLEN') ?? 200);
    if (away === client.away && away !== undefined) return;
    const changed = away !== client.away;
    client.away = away;
    if (client.isRegistered && changed) {
      world.announce(client, 'away-notify', world.from(client, 'AWAY', away === undefined ? [] : [away]));
    }
    if (away === undefined) client.numeric('305', 'You are no longer marked as being away');
    else client.numeric('306', 'You have been marked as being away');
  },
  SETNAME: (world, client, { params: [name] }) => {
    if (name === undefined || name === '' || Buffer.byteLength(name) > (world.count('NAMELEN') ?? 128)) {
      client.standard('FAIL', 'SETNAME', 'INVALID_REALNAME', 'Realname is not valid');
      return;
    }
    client.realName = name;
    const line = world.from(client, 'SETNAME', [name]);
    world.announce(client, 'setname', line);
    if (client.can('setname')) client.deliver(line);
  },
  WHOIS: (world, client, { params }) => {
    const nick = params.at(-1) ?? '';
    const user = world.user(nick);
    if (nick === '') client.numeric('431', 'No nickname given');
    else if (user === undefined) {
      client.numeric('401', nick, 'No such nick/channel');
      client.numeric('318', nick, 'End of /WHOIS list');
    } else {
      whois(world, client, user);
    }
  },
  WHOWAS: (_world, client, { params: [nick = ''] }) => {
    client.numeric('406', nick, 'There was no such nickname');
    client.numeric('369', nick, 'End of WHOWAS');
  },
  WHO: (world, client, { params: [mask = '*', fields = ''] }) => {
    const channel = world.channel(mask);
    const found: (readonly [User, Channel | undefined])[] = [];
    if (channel !== undefined) {
      const isIn = channel.members.has(client);
      if (isIn || !channel.isHiddenFrom(client)) {
        for (const member of channel.members.keys())
          if (isIn || !member.modes.has('i')) found.push([member, channel]);
      }
    } else if (!world.isChannel(mask)) {
      for (const user of world.users.values()) {
        const exact = world.fold(user.nick) === world.fold(mask);
        const near =
          exact ||
          user === client ||
          !user.modes.has('i') ||
          [...user.channels].some((one) => one.members.has(client));
        if (near && (exact || fits(world.fold(mask), world.fold(user.nick))))
          found.push([user, shared(client, user)]);
      }
    }
    const [, letters = '', , token = ''] = /%(\w*)(,(\d{1,3}))?/.exec(fields) ?? [];
    for (const [user, where] of found) {
      if (world.tokens.has('WHOX') && fields.includes('%'))
        client.numeric('354', ...whox(world, client, user, where, letters, token));
      else {
        const flags = whoFlags(world, client, user, where);
        const from = [where?.name ?? '*', user.username, user.host, user.server, user.nick, flags];
        client.numeric('352', ...from, `0 ${user.realName}`);
      }
    }
    client.numeric('315', mask, 'End of WHO list');
  },
};

function shared(client: Client, user: User): Channel | undefined {
  return [...user.channels].find((one) => one.members.has(client));
}

/** Here or gone, bot, and the marks of the channel. */
function whoFlags(world: World, client: Client, user: User, where: Channel | undefined): string {
  const bot = user.isBot ? world.text('BOT') : '';
  const marks = where === undefined ? '' : world.marksOf(where, user, client.can('multi-prefix'));
  return `${user.away === undefined ? 'H' : 'G'}${bot}${marks}`;
}

/** whox: the fields that were asked for, in the order of the text, whatever order they were asked in. */
function whox(
  world: World,
  client: Client,
  user: User,
  where: Channel | undefined,
  letters: string,
  token: string,
): readonly string[] {
  const values: readonly (readonly [string, string])[] = [
    ['t', token],
    ['c', where?.name ?? '*'],
    ['u', user.username],
    ['i', '255.255.255.255'],
    ['h', user.host],
    ['s', user.server],
    ['n', user.nick],
    ['f', whoFlags(world, client, user, where)],
    ['d', '0'],
    ['l', String(Math.floor((world.now() - user.lastSaid) / 1000))],
    ['a', user.account ?? '0'],
    ['o', 'n/a'],
    ['r', user.realName],
  ];
  return values.flatMap(([letter, value]) => (letters.includes(letter) ? [value] : []));
}

function whois(world: World, client: Client, user: User): void {
  const { nick } = user;
  client.numeric('311', nick, user.username, user.host, '*', user.realName);
  const seen = [...user.channels].filter((channel) => !channel.isHiddenFrom(client));
  if (seen.length > 0) {
    const all = client.can('multi-prefix');
    client.numeric(
      '319',
      nick,
      seen.map((channel) => world.marksOf(channel, user, all) + channel.name).join(' '),
    );
  }
  client.numeric('312', nick, user.server, 'Sandbox server');
  if (user.isBot && world.tokens.has('BOT')) client.numeric('335', nick, `is a bot on ${world.network}`);
  if (user.account !== undefined) client.numeric('330', nick, user.account, 'is logged in as');
  if (user.isTls) client.numeric('671', nick, 'is using a secure connection');
  if (user instanceof Client && user.fingerprint !== undefined && user === client) {
    client.numeric('276', nick, `has client certificate fingerprint ${user.fingerprint}`);
  }
  if (user.away !== undefined) client.numeric('301', nick, user.away);
  const idle = String(Math.floor((world.now() - user.lastSaid) / 1000));
  client.numeric('317', nick, idle, String(Math.floor(user.since / 1000)), 'seconds idle, signon time');
  client.numeric('318', nick, 'End of /WHOIS list');
}
