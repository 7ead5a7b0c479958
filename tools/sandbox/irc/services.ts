/* NickServ, as Anope and Atheme have it: IDENTIFY, REGISTER, GHOST, REGAIN, RELEASE, LOGOUT. */
import { Client } from './client.js';
import { rename } from './rename.js';
import { signIn, withPassword } from './sasl.js';
import type { World } from './world.js';

const nickServ = 'NickServ';

/** Whether a name is that of a service. */
export function isService(world: World, nick: string): boolean {
  return world.options.tokens !== false && world.fold(nick) === world.fold(nickServ);
}

function notice(world: World, client: Client, text: string): void {
  client.deliver({
    source: `${nickServ}!services@services.sandbox`,
    command: 'NOTICE',
    params: [client.nick, text],
  });
}

/** Whoever takes a registered nick is asked to identify. */
export function nickServWelcomes(world: World, client: Client): void {
  const owner = world.accounts.get(world.fold(client.nick));
  if (
    owner === undefined ||
    !world.servicesAreHere ||
    world.fold(client.account ?? '') === world.fold(owner.name)
  )
    return;
  notice(
    world,
    client,
    'This nickname is registered. Please choose a different nickname, or identify via \x02/msg NickServ IDENTIFY password\x02.',
  );
}

/** What somebody says to NickServ; false when it is not there. */
export function hearService(world: World, client: Client, text: string): boolean {
  if (!world.servicesAreHere) return false;
  const [verb = '', ...words] = text.trim().split(/ +/);
  switch (verb.toUpperCase()) {
    case 'IDENTIFY': {
      const [name = client.nick, password = ''] = words.length > 1 ? words : [client.nick, words[0]];
      const account = withPassword(world, name, password);
      if (account === undefined) notice(world, client, `Invalid password for \x02${name}\x02.`);
      else {
        signIn(world, client, account);
        notice(world, client, `You are now identified for \x02${account.name}\x02.`);
      }
      return true;
    }
    case 'REGISTER': {
      const [password] = words;
      if (password === undefined) notice(world, client, 'Syntax: REGISTER password [email]');
      else if (world.accounts.has(world.fold(client.nick))) {
        notice(world, client, `Nickname \x02${client.nick}\x02 is already registered!`);
      } else {
        signIn(world, client, world.addAccount({ name: client.nick, password }));
        notice(world, client, `Nickname \x02${client.nick}\x02 registered.`);
      }
      return true;
    }
    case 'LOGOUT':
      signIn(world, client, undefined);
      notice(world, client, 'You have been logged out.');
      return true;
    case 'GHOST':
    case 'REGAIN':
    case 'RECOVER':
    case 'RELEASE':
      takeBack(world, client, verb.toUpperCase(), words);
      return true;
    default:
      notice(world, client, `Unknown command \x02${verb}\x02. "/msg NickServ HELP" for help.`);
      return true;
  }
}

/** Frees a nick from whoever sits on it, for its owner. */
function takeBack(
  world: World,
  client: Client,
  verb: string,
  [nick = '', password]: readonly string[],
): void {
  const owner = world.accounts.get(world.fold(nick));
  const may =
    owner !== undefined &&
    (world.fold(client.account ?? '') === world.fold(owner.name) ||
      (password !== undefined && withPassword(world, owner.name, password) !== undefined));
  if (!may) {
    notice(world, client, `Access denied.`);
    return;
  }
  const holder = world.user(nick);
  if (holder !== undefined && holder !== client) {
    const reason = `${verb} command used by ${client.nick}`;
    if (holder instanceof Client) world.close(holder, `Killed (NickServ (${reason}))`);
    else world.quit(holder, reason);
  }
  notice(world, client, `\x02${nick}\x02 has been ${verb === 'GHOST' ? 'ghosted' : 'regained'}.`);
  if (verb !== 'GHOST' && verb !== 'RELEASE' && client.nick !== nick) rename(world, client, nick);
}
