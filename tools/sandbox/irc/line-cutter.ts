/** Makes lines of the bytes that come, however they are cut. RFC 1459 says CR LF; every server takes a lone LF too. */
export function lineCutter(line: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      const whole = rest.subarray(0, rest[end - 1] === 0x0d ? end - 1 : end);
      rest = rest.subarray(end + 1);
      line(whole);
    }
    if (rest.length > 16_384) rest = Buffer.alloc(0);
  };
}
