/* JIDs as the sandbox takes them: lower case before the slash, as they are behind it. */

export interface Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
  readonly bare: string;
  readonly full: string;
}

export function jid(written: string): Jid | undefined {
  const [, local = '', domain, resource = ''] =
    /^(?:([^@/\s"&'<>:]{1,1023})@)?([^@/\s]{1,1023})(?:\/(.{1,1023}))?$/su.exec(written) ?? [];
  if (domain === undefined) return undefined;
  const bare = (local === '' ? domain : `${local}@${domain}`).normalize('NFC').toLowerCase();
  const at = bare.indexOf('@');
  return {
    local: at === -1 ? '' : bare.slice(0, at),
    domain: bare.slice(at + 1),
    resource,
    bare,
    full: resource === '' ? bare : `${bare}/${resource}`,
  };
}
