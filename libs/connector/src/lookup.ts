interface Found {
  readonly address: string;
  readonly family: 4 | 6;
}

type Answer = (error: null, address: string | Found[], family?: 4 | 6) => void;

/**
 * A `lookup` for `net.connect` and `tls.connect` that answers with the addresses of a turn, whatever the name resolves
 * to by now: the name stays the one that the certificate must be for.
 */
export function lookupAmong(
  addresses: readonly string[],
): (host: string, options: { readonly all?: boolean | undefined }, answer: Answer) => void {
  const found = addresses.map((address): Found => ({ address, family: address.includes(':') ? 6 : 4 }));
  return (_host, options, answer) => {
    const [first] = found;
    if (options.all === true || !first) answer(null, [...found]);
    else answer(null, first.address, first.family);
  };
}
