/*
 * What a server says about itself in RPL_ISUPPORT (005), token by token, as it stands now: said again it replaces, with
 * a minus it is taken back, and it may come long after the welcome (draft-brocklesby-irc-isupport-03). What the tokens
 * mean is network.ts's.
 */

/** More tokens than any server has; what comes after them is not remembered. */
const mostTokens = 300;
/** A line holds no more. */
const longestValue = 1_000;

export class Isupport {
  readonly #tokens = new Map<string, string>();

  /** Name → value; empty where a token has none. */
  get tokens(): ReadonlyMap<string, string> {
    return this.#tokens;
  }

  /**
   * Takes in the parameters of a 005, our nick first. The closing words are no token: a token has no blank in it.
   * @returns whether anything has changed.
   */
  take(parameters: readonly string[]): boolean {
    let changed = false;
    for (const parameter of parameters.slice(1)) {
      const [, minus, name, value = ''] = /^(-?)([A-Za-z0-9/_.]{1,64})(?:=(\S*))?$/.exec(parameter) ?? [];
      if (name === undefined || value.length > longestValue) continue;
      if (minus === '-') {
        changed = this.#tokens.delete(name) || changed;
        continue;
      }
      const plain = unescaped(value);
      if (this.#tokens.get(name) === plain) continue;
      if (!this.#tokens.has(name) && this.#tokens.size >= mostTokens) continue;
      this.#tokens.set(name, plain);
      changed = true;
    }
    return changed;
  }
}

/** `\x20` is how a value holds a blank, `\x5C` a backslash, `\x3D` an equals sign. */
function unescaped(value: string): string {
  return value.replace(/\\x([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
