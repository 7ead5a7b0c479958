/*
 * How long our own code works, told on a machine that others use as well. What is truly slow is slow every time, and what
 * others make slow is not: so the least of a few tries is judged.
 */

/** The least of what a few tries measure. The first that is below `enough` is good enough. */
export async function leastOf(
  enough: number,
  measure: () => number | Promise<number>,
  tries = 5,
): Promise<number> {
  let least = Infinity;
  for (let done = 0; done < tries && least >= enough; done++) least = Math.min(least, await measure());
  return least;
}

/**
 * Begins to measure; gives how long it has worked since, in milliseconds: the lesser of processor time, in which the work
 * of other processes is not counted, and of time, in which that of the collector's threads beside ours is not.
 */
function working(): () => number {
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min((user + system) / 1_000, performance.now() - at);
  };
}

/** How long a piece of work takes, in milliseconds. */
export function workOf(work: () => void): number {
  const worked = working();
  work();
  return worked();
}

/** Watches the turns of the event loop from now on: `end` gives the longest that one of them has worked, in milliseconds. */
export function watchTurns(): { end(): Promise<number> } {
  let longest = 0;
  let over = false;
  let worked = working();
  const next = (): void => {
    setImmediate(() => {
      longest = Math.max(longest, worked());
      worked = working();
      if (!over) next();
    });
  };
  next();
  return {
    // The turn in which the end is asked for is measured too.
    end: async () => {
      over = true;
      await new Promise((turn) => setImmediate(turn));
      return longest;
    },
  };
}
