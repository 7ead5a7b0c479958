/* From a line to the command that deals with it. */
import { chatHistory } from './chathistory.js';
import { channels } from './channels.js';
import type { Client } from './client.js';
import { listing } from './listing.js';
import { readLine, type Said } from './line.js';
import { marks } from './marks.js';
import { modes } from './modes.js';
import { multiline, collectPart } from './multiline.js';
import { people } from './people.js';
import { registration } from './registration.js';
import { sasl } from './sasl.js';
import { talk } from './talk.js';
import { watching } from './watching.js';
import type { World } from './world.js';

export type Handler = (world: World, client: Client, said: Said) => void;
export type Handlers = Readonly<Record<string, Handler>>;

const handlers = new Map(
  [
    registration,
    sasl,
    channels,
    modes,
    talk,
    multiline,
    people,
    watching,
    listing,
    chatHistory,
    marks,
  ].flatMap((one) => Object.entries(one)),
);
const beforeWelcome = new Set(['CAP', 'AUTHENTICATE', 'PASS', 'NICK', 'USER', 'QUIT', 'PING', 'PONG']);
/** Commands that are there when a token or a capability is. */
const needsToken: Readonly<Record<string, string>> = {
  KNOCK: 'KNOCK',
  MONITOR: 'MONITOR',
  WATCH: 'WATCH',
};
const needsCap: Readonly<Record<string, string>> = {
  AUTHENTICATE: 'sasl',
  BATCH: 'draft/multiline',
  CHATHISTORY: 'draft/chathistory',
  MARKREAD: 'draft/read-marker',
  REDACT: 'draft/message-redaction',
  SETNAME: 'setname',
  TAGMSG: 'message-tags',
};
/** Most bytes of tags that a client may send, `@` and space included (message-tags, "Size limit"). */
const mostTagBytes = 4_096;

/** Deals with one line of a client. */
export function handle(world: World, client: Client, bytes: Buffer): void {
  client.lastHeard = world.now();
  client.wasAsked = false;
  const text = bytes.toString('utf8').replaceAll('\0', '');
  client.heard.push(text);
  if (world.intercept(text, client)) return;
  const said = readLine(text);
  if (said === undefined || client.isGone) return;
  client.labelled(said.tags.get('label'), () => {
    const tagBytes = text.startsWith('@') ? Buffer.byteLength(text.slice(0, text.indexOf(' ') + 1)) : 0;
    const most = (world.count('LINELEN') ?? 512) - 2;
    if (tagBytes > mostTagBytes || bytes.length - tagBytes > most) {
      client.numeric('417', 'Input line was too long');
      return;
    }
    if (world.tokens.has('UTF8ONLY') && !bytes.equals(Buffer.from(text)) && text.includes('\ufffd')) {
      const why = 'Message rejected, your IRC software MUST use UTF-8 encoding on this network';
      client.standard('FAIL', said.command, 'INVALID_UTF8', why);
      return;
    }
    obey(world, client, said);
  });
}

function obey(world: World, client: Client, said: Said): void {
  const { command } = said;
  const handler = handlers.get(command);
  if (handler === undefined || !isKnown(world, command)) {
    client.numeric('421', command, 'Unknown command');
    return;
  }
  const isPreAway = command === 'AWAY' && client.can('draft/pre-away');
  if (!client.isRegistered && !beforeWelcome.has(command) && !isPreAway) {
    client.numeric('451', 'You have not registered');
    return;
  }
  if (collectPart(world, client, said)) return;
  handler(world, client, said);
}

function isKnown(world: World, command: string): boolean {
  const { caps, withoutCommands } = world.options;
  if (withoutCommands?.includes(command) === true || (command === 'CAP' && caps === false)) return false;
  const token = needsToken[command];
  const cap = needsCap[command];
  return (token === undefined || world.tokens.has(token)) && (cap === undefined || world.caps.has(cap));
}
