/** What a link signs in with. Not kept longer than needed. */
export interface Credentials {
  readonly password?: string;
  /** PEM text of the key to the client certificate. */
  readonly clientKey?: string;
}

/** What the link's secrets give to sign in with. */
export function credentialsOf(secrets: Readonly<Record<string, string>>): Credentials {
  const { password, clientKey } = secrets;
  return { ...(password !== undefined && { password }), ...(clientKey !== undefined && { clientKey }) };
}
