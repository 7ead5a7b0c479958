/* Those who are on SIP: they answer messages, and say that they have read them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxSip, SandboxSipResident } from '#sandbox';
import { answerTo } from './words.js';

/** Nobody is answered more often than this in a minute: two machines must not talk each other to death. */
const mostAnswers = 20;

/** Has these people answer who writes to them, until the signal. */
export function answerTelephones(
  server: SandboxSip,
  names: readonly string[],
  nick: string,
  tempo: number,
  signal: AbortSignal,
): void {
  const answered: number[] = [];
  let turn = 0;

  const mayAnswer = (): boolean => {
    const now = Date.now();
    while ((answered[0] ?? now) < now - 60_000) answered.shift();
    if (answered.length >= mostAnswers) return false;
    answered.push(now);
    return true;
  };

  const answer = async (resident: SandboxSipResident, to: string, said: string): Promise<void> => {
    resident.types(to, true);
    await pause(tempo, undefined, { signal });
    resident.say(to, answerTo(nick, said, turn++));
  };

  // The demo may end in the middle of a thought.
  const unlessEnded = (act: Promise<void>): void => {
    act.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  };

  for (const name of names) {
    const resident = server.resident(name);
    resident.reports = 'displayed';
    resident.hears = ({ from, text }) => {
      if (mayAnswer()) unlessEnded(answer(resident, from, text));
    };
  }
}
