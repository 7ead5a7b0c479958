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
