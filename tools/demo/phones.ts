/* Those who can only be reached by text message: a phone each, and answers to whoever writes. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxPhone, SandboxSms } from '#sandbox';
import { answerTo } from './words.js';

/** Nobody is answered more often than this in a minute: two machines must not talk each other to death. */
const mostAnswers = 20;

/** Has these numbers answer what is written to them, until the signal. */
export function answerTexts(
  centre: SandboxSms,
  numbers: readonly string[],
  nick: string,
  tempo: number,
  signal: AbortSignal,
): void {
  const answered: number[] = [];
  let turn = 0;
  const answer = async (phone: SandboxPhone, to: string, said: string): Promise<void> => {
    const now = Date.now();
    while ((answered[0] ?? now) < now - 60_000) answered.shift();
    if (answered.length >= mostAnswers) return;
    answered.push(now);
    try {
      await pause(tempo, undefined, { signal });
      phone.send(to, answerTo(nick, said, turn++));
    } catch {
      // The demo has ended in the middle of a thought.
    }
  };
  for (const number of numbers) {
    const phone = centre.phone(number);
    phone.hears = ({ from, text }) => void answer(phone, from, text);
  }
}
