import type { ErrorCode, Remedy } from './errors.js';

/** Something that only a person can answer: a captcha, a one-time code, a certificate to trust. */
export interface Challenge {
  readonly kind: 'captcha' | 'code' | 'certificate' | 'password';
  readonly prompt: string;
  readonly imageUrl?: string;
}

/** Where one account's session stands. `detail` is a sentence for the person, without secrets. */
export type SessionState =
  | { readonly state: 'offline' }
  | { readonly state: 'connecting' }
  | { readonly state: 'online'; readonly localAddress: string }
  | {
      readonly state: 'backing-off';
      readonly until: string;
      readonly code: ErrorCode;
      readonly detail?: string;
    }
  | {
      readonly state: 'needs-person';
      readonly code: ErrorCode;
      readonly remedy: Remedy;
      readonly detail?: string;
      readonly challenge?: Challenge;
    };
