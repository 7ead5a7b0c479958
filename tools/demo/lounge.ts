/* The room and its residents: they play their scenes, and answer whoever speaks to them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Overheard, Resident, ResidentHandler } from './resident.js';
import { answerTo, scenes, type Step, type Who } from './words.js';

/** Nobody is answered more often than this in a minute: two machines must not talk each other to death. */
const mostAnswers = 20;

export class Lounge {
  readonly #residents: Readonly<Record<Who, Resident>>;
  readonly #room: string;
  readonly #tempo: number;
  readonly #ending = new AbortController();
  readonly #answered: number[] = [];
  #turn = 0;

  private constructor(residents: Readonly<Record<Who, Resident>>, room: string, tempo: number) {
    this.#residents = residents;
    this.#room = room;
    this.#tempo = tempo;
  }

  /**
   * @param arrive brings a resident into the room.
   * @param tempo milliseconds between two steps; the first time round, later it takes three times as long.
   */
  static async open(
    room: string,
    arrive: (nick: Who, handler: ResidentHandler) => Promise<Resident>,
    tempo: number,
  ): Promise<Lounge> {
    const handler = {
      heard: (message: Overheard, resident: Resident): void => {
        lounge.#heard(message, resident);
      },
    };
    const bob = await arrive('bob', handler);
    const carol = await arrive('carol', handler);
    const lounge: Lounge = new Lounge({ bob, carol }, room, tempo);
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
    const room = this.#room;
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
    if (message.to !== this.#room) {
      void this.#answer(hearer, message, message.address);
      return;
    }
    // Both hear what is said in the room: one of them answers.
    const named = Object.values(this.#residents).find(({ nick }) =>
      message.text.toLowerCase().includes(nick.toLowerCase()),
    );
    const free = named ?? Object.values(this.#residents).find(({ isAway }) => !isAway);
    if (hearer === free) void this.#answer(hearer, message, this.#room);
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
