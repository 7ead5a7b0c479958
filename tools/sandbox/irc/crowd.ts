/* Crowds, and whole servers that are lost and found (netsplit, netjoin). */
import { enter } from './channels.js';
import type { Line } from './line.js';
import { Extra, type User } from './user.js';
import type { World } from './world.js';

/** The server that a crowd is on where nothing else is said. */
export const leaf = 'leaf.sandbox';

/** Somebody lost with their server, and where they were. */
export interface Lost {
  readonly user: User;
  readonly channels: readonly string[];
}

export function populate(
  world: World,
  channel: string,
  count: number,
  { name = 'guest', server = leaf }: { readonly name?: string; readonly server?: string },
): void {
  const place = world.channel(channel) ?? world.channelMade(channel);
  for (let number = 1; number <= count; number++) {
    const nick = `${name}${String(number)}`;
    const host = `${nick}.example.org`;
    const user = new Extra({ nick, username: '~guest', host, realName: nick, server });
    world.users.set(world.fold(nick), user);
    enter(world, user, place);
  }
}

export function netsplit(world: World, server: string): readonly Lost[] {
  const lost = [...world.users.values()].filter((user) => user.server === server);
  const places = lost.map((user) => ({ user, channels: [...user.channels].map(({ name }) => name) }));
  inBatches(world, ['netsplit', world.name, server], (deliver) => {
    for (const user of lost) {
      const line = world.from(user, 'QUIT', [`${world.name} ${server}`]);
      for (const neighbour of world.neighbours(user)) if (neighbour !== user) deliver(neighbour, line);
      for (const channel of [...user.channels]) world.remove(channel, user);
      world.forget(user);
    }
  });
  return places;
}

export function netjoin(world: World, server: string, lost: readonly Lost[]): void {
  inBatches(world, ['netjoin', world.name, server], (deliver) => {
    for (const { user, channels } of lost) {
      world.users.set(world.fold(user.nick), user);
      for (const name of channels) {
        const channel = world.channel(name) ?? world.channelMade(name);
        channel.admit(user);
        for (const member of channel.listeners) {
          const more = member.can('extended-join') ? [user.account ?? '*', user.realName] : [];
          deliver(member, world.from(user, 'JOIN', [name, ...more]));
        }
      }
      world.presence(user, user.nick, true);
    }
  });
}

/** Lines for many, each client's in one batch of its own. */
function inBatches(
  world: World,
  params: readonly string[],
  say: (deliver: (user: User, line: Line) => void) => void,
): void {
  const refs = new Map<User, string>();
  say((user, line) => {
    if (!user.can('batch')) {
      user.deliver(line);
      return;
    }
    let ref = refs.get(user);
    if (ref === undefined) {
      ref = world.nextBatch();
      refs.set(user, ref);
      user.deliver(world.own('BATCH', `+${ref}`, ...params));
    }
    user.deliver({ ...line, tags: new Map([...(line.tags ?? []), ['batch', ref]]) });
  });
  for (const [user, ref] of refs) user.deliver(world.own('BATCH', `-${ref}`));
}
