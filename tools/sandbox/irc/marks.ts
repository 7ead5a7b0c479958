/* draft/read-marker: how far somebody has read, told to all the clients of their account. */
import type { Channel } from './channel.js';
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import { timestamp } from './line.js';
import type { World } from './world.js';

export const marks: Handlers = {
  MARKREAD: (world, client, { params: [target, time] }) => {
    if (!client.can('draft/read-marker')) {
      client.numeric('421', 'MARKREAD', 'Unknown command');
      return;
    }
    if (target === undefined) {
      client.standard('FAIL', 'MARKREAD', 'NEED_MORE_PARAMS', 'Missing parameters');
      return;
    }
    const kept = marksOf(world, client);
    const key = world.fold(target);
    if (time === undefined) {
      tell(world, client, target, kept.get(key));
      return;
    }
    const [, text] = /^timestamp=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/.exec(time) ?? [];
    const at = Date.parse(text ?? '');
    if (Number.isNaN(at)) {
      client.standard('FAIL', 'MARKREAD', 'INVALID_PARAMS', time, 'Invalid parameters');
      return;
    }
    const before = kept.get(key);
    // A mark only ever grows.
    if (before !== undefined && at <= before) tell(world, client, target, before);
    else if (client.account !== undefined) moveMark(world, client.account, target, at);
    else {
      kept.set(key, at);
      tell(world, client, target, at);
    }
  },
};

/** An account has read on: all its clients are told. */
export function moveMark(world: World, account: string, target: string, at: number): void {
  world.accounts.get(world.fold(account))?.marks.set(world.fold(target), at);
  for (const client of world.clients) {
    if (client.account === account && client.can('draft/read-marker')) tell(world, client, target, at);
  }
}

const withoutAccount = new WeakMap<Client, Map<string, number>>();

function marksOf(world: World, client: Client): Map<string, number> {
  const account = client.account === undefined ? undefined : world.accounts.get(world.fold(client.account));
  if (account !== undefined) return account.marks;
  const own = withoutAccount.get(client) ?? new Map<string, number>();
  withoutAccount.set(client, own);
  return own;
}

function tell(world: World, client: Client, target: string, at: number | undefined): void {
  client.deliver(world.own('MARKREAD', target, at === undefined ? '*' : `timestamp=${timestamp(at)}`));
}

/** After JOIN and before the end of NAMES ("Command flows"). */
export function markOnJoin(world: World, client: Client, channel: Channel): void {
  if (!client.can('draft/read-marker')) return;
  tell(world, client, channel.name, marksOf(world, client).get(world.fold(channel.name)));
}
