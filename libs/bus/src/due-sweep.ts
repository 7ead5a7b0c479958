export interface Sweep {
  /** Runs it now, or at that time if it would run later. */
  wake(at?: Date): void;
}

export class DueSweep {
  add(_name: string, _sweep: () => Promise<Date | undefined>): Sweep {
    throw new Error('not built yet');
  }
}
