/** Where time comes from. */
export interface Clock {
  /** Milliseconds that only grow. */
  monotonic(): number;
  /** Calls once after so many milliseconds; the answer cancels it. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/**
 * What the work comes to, or what `late` says where it has not come to anything in time. The work itself goes on: whoever
 * answers a request "later" must see to it that nothing of it is kept.
 */
export async function inTime<T>(
  work: Promise<T>,
  ms: number,
  late: () => T,
  clock: Clock = systemClock,
): Promise<T> {
  let cancel: (() => void) | undefined;
  const timeout = new Promise<typeof tooLate>((resolve) => {
    cancel = clock.after(ms, () => {
      resolve(tooLate);
    });
  });
  try {
    const first = await Promise.race([work, timeout]);
    return first === tooLate ? late() : first;
  } finally {
    cancel?.();
  }
}

const tooLate = Symbol('too late');
