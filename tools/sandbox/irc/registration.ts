/* From the open socket to the welcome: PASS, NICK, USER, CAP (capability-negotiation), and the end: QUIT. */
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import { isNick } from './names.js';
import { rename } from './rename.js';
import { nickServWelcomes } from './services.js';
import type { World } from './world.js';

export const registration: Handlers = {
  PASS: (_world, client, { params: [password] }) => {
    if (client.isRegistered) client.numeric('462', 'You may not reregister');
    else if (password === undefined) client.numeric('461', 'PASS', 'Not enough parameters');
    else client.password = password;
  },
  NICK: (world, client, { params: [nick] }) => {
    changeNick(world, client, nick);
  },
  USER: (world, client, { params }) => {
    const [username, , , realName] = params;
    if (client.isRegistered) client.numeric('462', 'You may not reregister');
    else if (username === undefined || realName === undefined) {
      client.numeric('461', 'USER', 'Not enough parameters');
    } else {
      client.username = `~${username.replace(/[^\w.-]/g, '').slice(0, 10)}`;
      client.realName = realName.slice(0, world.count('NAMELEN') ?? 128);
      client.hasUser = true;
      welcome(world, client);
    }
  },
  PING: (world, client, { params: [token] }) => {
    if (token === undefined) client.numeric('409', 'No origin specified');
    else client.deliver(world.own('PONG', world.name, token));
  },
  PONG: () => {
    // Whoever answers is there; that was noted when the line came.
  },
  QUIT: (world, client, { params: [reason] }) => {
    world.close(client, reason ?? 'Client quit', `Quit: ${reason ?? ''}`);
  },
  CAP: (world, client, { params }) => {
    const [subcommand = '', argument = ''] = params;
    const verb = subcommand.toUpperCase();
    switch (verb) {
      case 'LS': {
        const version = Number.parseInt(argument, 10);
        client.capVersion = Math.max(client.capVersion, Number.isNaN(version) ? 301 : version);
        if (client.capVersion >= 302 && world.caps.has('cap-notify')) client.caps.add('cap-notify');
        if (!client.isRegistered) client.isNegotiating = true;
        list(world, client, 'LS', offered(world, client, version >= 302), version >= 302);
        return;
      }
      case 'LIST':
        list(world, client, 'LIST', [...client.caps], client.capVersion >= 302);
        return;
      case 'REQ':
        if (!client.isRegistered) client.isNegotiating = true;
        request(
          world,
          client,
          argument.split(' ').filter((one) => one !== ''),
        );
        return;
      case 'END':
        client.isNegotiating = false;
        welcome(world, client);
        return;
      default:
        client.numeric('410', subcommand === '' ? '*' : subcommand, 'Invalid CAP command');
    }
  },
};

/** What is offered to this client: `sasl` while there are services, `sts` where it would mean something. */
export function offered(world: World, client: Client, values: boolean): readonly string[] {
  const all = [...world.caps].flatMap(([cap, value]) => {
    if (cap === 'sasl' && !world.servicesAreHere) return [];
    return values && value !== '' ? [`${cap}=${value}`] : [cap];
  });
  const { stsDuration } = world.options;
  // sts: clients without 302 cannot read its value, and the port is for those who came without TLS.
  if (stsDuration !== undefined && world.tlsPort !== undefined && values) {
    all.push(
      client.isTls
        ? `sts=duration=${String(stsDuration)}`
        : `sts=port=${String(world.tlsPort)},duration=${String(stsDuration)}`,
    );
  }
  return all;
}

/** One line or, for those who know 302, several of which all but the last have a star. */
function list(world: World, client: Client, verb: string, caps: readonly string[], several: boolean): void {
  const lines: string[] = [''];
  for (const cap of caps) {
    const last = lines.at(-1) ?? '';
    if (several && last.length + cap.length > 400) lines.push(cap);
    else lines[lines.length - 1] = last === '' ? cap : `${last} ${cap}`;
  }
  lines.forEach((line, index) => {
    const more = index < lines.length - 1 ? ['*'] : [];
    client.deliver(world.own('CAP', client.nick, verb, ...more, line));
  });
}

/** All or nothing. */
function request(world: World, client: Client, wanted: readonly string[]): void {
  const known = (cap: string): boolean => world.caps.has(cap) && (cap !== 'sasl' || world.servicesAreHere);
  const good = wanted.every((one) =>
    one.startsWith('-')
      ? world.caps.has(one.slice(1)) && !(one === '-cap-notify' && client.capVersion >= 302)
      : known(one),
  );
  if (good) {
    for (const one of wanted) {
      if (one.startsWith('-')) client.caps.delete(one.slice(1));
      else client.caps.add(one);
    }
  }
  client.deliver(world.own('CAP', client.nick, good ? 'ACK' : 'NAK', wanted.join(' ')));
}

function changeNick(world: World, client: Client, nick: string | undefined): void {
  if (nick === undefined || nick === '') {
    client.numeric('431', 'No nickname given');
    return;
  }
  if (!isNick(nick, world.count('NICKLEN') ?? 30, world.text('CASEMAPPING') === 'rfc7613')) {
    client.numeric('432', nick, 'Erroneous nickname');
    return;
  }
  const holder = world.user(nick);
  if (holder !== undefined && holder !== client) {
    client.numeric('433', nick, 'Nickname is already in use');
    return;
  }
  if (!client.isRegistered) {
    if (world.user(client.nick) === client) world.users.delete(world.fold(client.nick));
    client.nick = nick;
    client.hasNick = true;
    world.users.set(world.fold(nick), client);
    welcome(world, client);
    return;
  }
  if (nick === client.nick) return;
  if (rename(world, client, nick)) nickServWelcomes(world, client);
}

/** Registers whoever has said all that it takes. */
function welcome(world: World, client: Client): void {
  if (client.isRegistered || client.isNegotiating || !client.hasNick || !client.hasUser || client.isGone)
    return;
  const { serverPassword, needsSasl, motd } = world.options;
  if (serverPassword !== undefined && client.password !== serverPassword) {
    client.numeric('464', 'Password incorrect');
    world.close(client, 'Bad Password');
    return;
  }
  if (needsSasl === true && client.account === undefined) {
    world.close(client, 'SASL access only');
    return;
  }
  client.isRegistered = true;
  client.since = world.now();
  client.numeric('001', `Welcome to the ${world.network} IRC Network ${client.mask}`);
  client.numeric('002', `Your host is ${world.name}, running version sandbox-1`);
  client.numeric('003', `This server was created ${new Date(world.startedAt).toUTCString()}`);
  const flags = [...new Set(world.text('CHANMODES').replaceAll(',', ''))].join('');
  client.numeric('004', world.name, 'sandbox-1', 'BRiow', flags, 'bklohqav');
  isupport(world, client, [...world.tokens.keys()]);
  client.numeric('251', `There are ${String(world.users.size)} users and 0 services on 1 servers`);
  if (motd === undefined) client.numeric('422', 'MOTD File is missing');
  else {
    client.numeric('375', `- ${world.name} Message of the day -`);
    for (const line of motd) client.numeric('372', `- ${line}`);
    client.numeric('376', 'End of MOTD command');
  }
  client.deliver(world.from(client, 'MODE', [client.nick, '+i']));
  client.modes.add('i');
  world.presence(client, client.nick, true);
  nickServWelcomes(world, client);
}

/** 005, at most 13 tokens a line; a token that is no more has a minus. */
export function isupport(world: World, client: Client, names: readonly string[]): void {
  const words = ['NETWORK', ...names].map((name) => {
    if (name === 'NETWORK') return `NETWORK=${world.network}`;
    const value = world.tokens.get(name);
    if (value === undefined) return `-${name}`;
    return value === true ? name : `${name}=${String(value)}`;
  });
  if (world.options.tokens === false) return;
  for (let at = 0; at < words.length; at += 13) {
    client.numeric('005', ...words.slice(at, at + 13), 'are supported by this server');
  }
}
