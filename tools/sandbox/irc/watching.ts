/* Who is there: MONITOR (monitor), WATCH as Unreal and Bahamut have it, and ISON (RFC 1459 §5.8). */
import { Client } from './client.js';
import type { Handlers } from './commands.js';
import type { User } from './user.js';
import type { World } from './world.js';

export const watching: Handlers = {
  MONITOR: (world, client, { params: [verb = '', list = ''] }) => {
    const nicks = list.split(',').filter((nick) => nick !== '');
    switch (verb.toUpperCase()) {
      case '+': {
        const most = world.count('MONITOR') ?? Infinity;
        const added: string[] = [];
        for (const [index, nick] of nicks.entries()) {
          if (client.monitored.has(world.fold(nick))) continue;
          if (client.monitored.size >= most) {
            client.numeric('734', String(most), nicks.slice(index).join(','), 'Monitor list is full.');
            break;
          }
          client.monitored.set(world.fold(nick), nick);
          added.push(nick);
        }
        status(world, client, added);
        return;
      }
      case '-':
        for (const nick of nicks) client.monitored.delete(world.fold(nick));
        return;
      case 'C':
        client.monitored.clear();
        return;
      case 'L':
        for (const some of portions([...client.monitored.values()])) client.numeric('732', some);
        client.numeric('733', 'End of MONITOR list');
        return;
      case 'S':
        status(world, client, [...client.monitored.values()]);
        return;
      default:
        client.numeric('461', 'MONITOR', 'Not enough parameters');
    }
  },
  WATCH: (world, client, { params }) => {
    const words = params.flatMap((param) => param.split(' ')).filter((word) => word !== '');
    const most = world.count('WATCH') ?? 128;
    for (const word of words.length === 0 ? ['l'] : words) {
      const nick = word.slice(1);
      const key = world.fold(nick);
      if (word.startsWith('+')) {
        if (client.watched.size >= most && !client.watched.has(key)) {
          client.numeric('512', nick, `Maximum size for WATCH-list is ${String(most)} entries`);
          continue;
        }
        client.watched.set(key, nick);
        watchStatus(world, client, nick, '604', '605');
      } else if (word.startsWith('-')) {
        if (client.watched.delete(key)) client.numeric('602', nick, '*', '*', '0', 'stopped watching');
      } else if (word.toUpperCase() === 'C') client.watched.clear();
      else if (word.toUpperCase() === 'L') {
        for (const watched of client.watched.values()) watchStatus(world, client, watched, '604', '605');
        client.numeric('607', 'End of WATCH l');
      }
    }
  },
  ISON: (world, client, { params }) => {
    const nicks = params.flatMap((param) => param.split(' '));
    const here = nicks.flatMap((nick) => presentAs(world, nick)?.nick ?? []);
    client.numeric('303', here.join(' '));
  },
  USERHOST: (world, client, { params }) => {
    const found = params.slice(0, 5).flatMap((nick) => {
      const user = presentAs(world, nick);
      return user === undefined
        ? []
        : [`${user.nick}=${user.away === undefined ? '+' : '-'}${user.username}@${user.host}`];
    });
    client.numeric('302', found.join(' '));
  },
};

/** Somebody who is there and has been welcomed. */
function presentAs(world: World, nick: string): User | undefined {
  const user = world.user(nick);
  return user instanceof Client && !user.isRegistered ? undefined : user;
}

function status(world: World, client: Client, nicks: readonly string[]): void {
  const here = nicks.flatMap((nick) => presentAs(world, nick)?.mask ?? []);
  const gone = nicks.filter((nick) => presentAs(world, nick) === undefined);
  for (const some of portions(here)) client.numeric('730', some);
  for (const some of portions(gone)) client.numeric('731', some);
}

function watchStatus(world: World, client: Client, nick: string, here: string, gone: string): void {
  const user = presentAs(world, nick);
  if (user === undefined) client.numeric(gone, nick, '*', '*', '0', 'is offline');
  else {
    const since = String(Math.floor(user.since / 1000));
    client.numeric(here, user.nick, user.username, user.host, since, 'is online');
  }
}

/** Names joined by commas, in lines that fit. */
function portions(names: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 380) lines.push(name);
    else lines[lines.length - 1] = `${last},${name}`;
  }
  return lines;
}
