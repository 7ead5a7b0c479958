/** Why bytes are not what they should be: a sentence, with nothing of what the peer wrote in it. */
export interface Fault {
  readonly fault: string;
}
