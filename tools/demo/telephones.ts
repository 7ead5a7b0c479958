/* Those who are on SIP: they answer messages, say that they have read them, pick up when they are called, and call too. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxSip, SandboxSipResident } from '#sandbox';
import { answerTo } from './words.js';

/** Nobody is answered more often than this in a minute: two machines must not talk each other to death. */
const mostAnswers = 20;

/** How their phone is by now. */
function is(resident: SandboxSipResident, state: SandboxSipResident['phone']): boolean {
  return resident.phone === state;
}

/** Has these people answer who writes to them or calls them, until the signal. */
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
    if (!/\bcall me\b/i.test(said)) {
      resident.say(to, answerTo(nick, said, turn++));
      return;
    }
    resident.say(to, 'just a moment, I call you');
    await pause(tempo, undefined, { signal });
    if (!is(resident, 'idle')) return;
    resident.ring(to);
    // Nobody picks up: our person sees that a call was missed.
    await pause(3 * tempo, undefined, { signal });
    if (is(resident, 'calling')) resident.hangUp();
  };

  const pickUp = async (resident: SandboxSipResident): Promise<void> => {
    await pause(tempo, undefined, { signal });
    if (!is(resident, 'ringing')) return;
    resident.pickUp();
    resident.show('busy', 'on the phone');
    await pause(8 * tempo, undefined, { signal });
    if (is(resident, 'answered')) resident.hangUp();
    resident.show('available');
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
    resident.rung = () => {
      if (mayAnswer()) unlessEnded(pickUp(resident));
    };
  }
}
