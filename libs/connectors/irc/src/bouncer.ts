/* What bouncers say in their own name, where it tells what became of something. */
import { failure, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';

/**
 * ZNC takes messages while it is not on the network itself, and says in the words of its `*status` that it has dropped
 * them. No person can bear that name: `*` is in no nick.
 * @returns to whom the dropped message was, and why; undefined for all other lines.
 */
export function dropped({
  nick,
  hostname,
  params,
}: IrcMessage): { readonly about: string; readonly failure: Failure } | undefined {
  if (nick !== '*status' || hostname !== 'znc.in') return undefined;
  const [, about] =
    /^Your \w+ to \[?(\S+?)\]? got lost, you are not connected to IRC/i.exec(params[1] ?? '') ?? [];
  if (about === undefined) return undefined;
  return {
    about,
    failure: failure('network-unreachable', 'The bouncer is not on the network now: it dropped the message.'),
  };
}
