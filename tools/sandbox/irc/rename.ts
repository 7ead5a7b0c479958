import type { Client } from './client.js';
import type { World } from './world.js';

/** Gives a registered user another nick, free by now: everybody near is told, and whoever watches. True for a new name, not only new case. */
export function rename(world: World, client: Client, nick: string): boolean {
  const before = client.nick;
  const line = world.from(client, 'NICK', [nick]);
  const told = world.neighbours(client);
  for (const channel of client.channels) world.remember(channel, line);
  world.users.delete(world.fold(before));
  client.nick = nick;
  world.users.set(world.fold(nick), client);
  world.tell(told, line);
  if (world.fold(before) === world.fold(nick)) return false;
  world.presence(client, before, false);
  world.presence(client, nick, true);
  return true;
}
