/* The room and its residents: they play their scenes, and answer whoever speaks to them. */
import { setTimeout as pause } from 'node:timers/promises';
import { Resident, type Overheard } from './resident.js';
import { answerTo, scenes, type Step, type Who } from './words.js';

export const room = '#lounge';

/** Nobody is answered more often than this in a minute: two machines must not talk each other to death. */
const mostAnswers = 20;

export class Lounge {
  readonly #residents: Readonly<Record<Who, Resident>>;
  readonly #tempo: number;
  readonly #ending = new AbortController();
  readonly #answered: number[] = [];
  #turn = 0;

  private constructor(residents: Readonly<Record<Who, Resident>>, tempo: number) {
    this.#residents = residents;
    this.#tempo = tempo;
  }

  /** @param tempo milliseconds between two steps; the first time round, later it takes three times as long. */
  static async open(port: number, tempo: number): Promise<Lounge> {
    const handler = {
      heard: (message: Overheard, resident: Resident): void => {
        lounge.#heard(message, resident);
      },
    };
    const bob = await Resident.arrive('bob', port, room, handler);
    const carol = await Resident.arrive('carol', port, room, handler);
    const lounge: Lounge = new Lounge({ bob, carol }, tempo);
    return lounge;
  }

  /** Plays the scenes, over and over, until it is closed. */
  async play(): Promise<void> {
    let tempo = this.#tempo;
    try {
      for (;;) {
        for (const scene of scenes) {
          await this.#scene(scene, tempo);
          await this.#wait(3 * tempo);
        }
        tempo = 3 * this.#tempo;
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    }
  }

  close(): void {
    this.#ending.abort();
    for (const resident of Object.values(this.#residents)) resident.leave();
  }

  async #scene(steps: readonly Step[], tempo: number): Promise<void> {
    let last: string | undefined;
    for (const step of steps) {
      const resident = this.#residents[step.who];
      const speaks = 'say' in step || 'lines' in step || 'slip' in step;
      if (speaks) resident.typing(room, true);
      await this.#wait(tempo);
      if ('say' in step) last = await resident.say(room, step.say);
      else if ('lines' in step) last = await resident.sayLines(room, step.lines);
      else if ('act' in step) last = await resident.act(room, step.act);
      else if ('react' in step) resident.react(room, last, step.react);
      else if ('topic' in step) resident.setTopic(room, step.topic);
      else if ('away' in step) resident.goAway(step.away);
      else if ('back' in step) resident.goAway(undefined);
      else {
        const slip = await resident.say(room, step.slip);
        await this.#wait(tempo);
        resident.takeBack(room, slip);
      }
    }
  }

  #heard(message: Overheard, hearer: Resident): void {
    if (message.from in this.#residents) return;
    if (message.to !== room) {
      void this.#answer(hearer, message, message.from);
      return;
    }
    // Both hear what is said in the room: one of them answers.
    const named = Object.values(this.#residents).find(({ nick }) =>
      message.text.toLowerCase().includes(nick.toLowerCase()),
    );
    const free = named ?? Object.values(this.#residents).find(({ isAway }) => !isAway);
    if (hearer === free) void this.#answer(hearer, message, room);
  }

  async #answer(resident: Resident, { from, text, msgid }: Overheard, to: string): Promise<void> {
    const now = Date.now();
    while ((this.#answered[0] ?? now) < now - 60_000) this.#answered.shift();
    if (this.#answered.length >= mostAnswers) return;
    this.#answered.push(now);
    try {
      resident.typing(to, true);
      await this.#wait(this.#tempo);
      if (/[!🎉]$/u.test(text)) resident.react(to, msgid, '🎉');
      await resident.say(to, answerTo(from, text, this.#turn++), msgid);
    } catch {
      // The lounge was closed in the middle of a thought.
    }
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#ending.signal });
  }
}
