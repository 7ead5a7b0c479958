import type { Principal } from './principal.js';

const callers = new WeakMap<object, Principal>();

/** Remembers who sent a request, for as long as it lives. */
export function rememberCaller(request: object, principal: Principal): void {
  callers.set(request, principal);
}

/** @throws Error on a route that lets anybody in: asking for its caller is a fault of ours. */
export function principalOf(request: object): Principal {
  const principal = callers.get(request);
  if (!principal) throw new Error('this route has no caller');
  return principal;
}
