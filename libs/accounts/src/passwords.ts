import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { Problem } from '#platform';
import { newSecret } from './codes.js';

/** OWASP's choice for argon2id (which the package numbers 2): 19 MiB, two passes, one lane. */
const cost = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * Passwords, hashed with argon2id (RFC 9106) in Node's thread pool. That pool has four threads and also serves files
 * and names, so two hashes at most run at a time, and past a hundred in line somebody is hammering: try later.
 */
@Injectable()
export class Passwords {
  #running = 0;
  readonly #line: (() => void)[] = [];
  #nobody: Promise<string> | undefined;

  /** In PHC string format. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, cost));
  }

  /**
   * Whether the password is the one that was hashed. With `undefined` for somebody who does not exist it takes as long
   * and answers false, so that the time tells nobody who has an account.
   */
  async verify(hashed: string | undefined, password: string): Promise<boolean> {
    const nobody = await this.nobody();
    const right = await this.inTurn(() => verify(hashed ?? nobody, password));
    return right && hashed !== undefined;
  }

  private nobody(): Promise<string> {
    return (this.#nobody ??= hash(newSecret(), cost));
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= 2) {
      if (this.#line.length >= 100) {
        throw new Problem(503, 'busy', 'Too many people are signing in at this moment. Try again soon.', {
          retryAfterSeconds: 5,
        });
      }
      await new Promise<void>((turn) => this.#line.push(turn));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
