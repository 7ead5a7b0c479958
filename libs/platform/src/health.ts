import { Injectable } from '@nestjs/common';

/** Degraded: works, but less well than it should; the process stays in service. */
export interface Finding {
  readonly status: 'ok' | 'degraded' | 'down';
  /** A sentence for whoever runs this; no secrets, it is shown to anybody who asks. */
  readonly why?: string;
}

export interface HealthReport {
  readonly status: Finding['status'];
  readonly checks: Readonly<Record<string, Finding>>;
}

/** Rooms register what must be true of them; `/readyz` asks each time. */
@Injectable()
export class Health {
  readonly #checks = new Map<string, () => Promise<Finding>>();
  #stopping = false;

  /** @throws Error when the name is taken. */
  register(name: string, check: () => Promise<Finding>): void {
    if (this.#checks.has(name)) throw new Error(`a health check is already called ${name}`);
    this.#checks.set(name, check);
  }

  /** From now on this process takes no new work. */
  stopping(): void {
    this.#stopping = true;
  }

  async report(): Promise<HealthReport> {
    const checks = Object.fromEntries(
      await Promise.all([...this.#checks].map(async ([name, check]) => [name, await look(check)] as const)),
    );
    if (this.#stopping) checks['process'] = { status: 'down', why: 'shutting down' };
    const found = Object.values(checks).map(({ status }) => status);
    const status = found.includes('down') ? 'down' : found.includes('degraded') ? 'degraded' : 'ok';
    return { status, checks };
  }
}

/** A check that hangs is down: whoever asks wants an answer now. */
const patience = 2_500;

async function look(check: () => Promise<Finding>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      check(),
      new Promise<Finding>((answer) => {
        timer = setTimeout(answer, patience, { status: 'down', why: 'no answer in time' });
      }),
    ]);
  } catch {
    return { status: 'down', why: 'the check failed' };
  } finally {
    clearTimeout(timer);
  }
}
