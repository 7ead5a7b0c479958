/** As much of node-smpp 0.5.1 as the cross-check uses; it has no types of its own. */
declare module 'smpp' {
  interface Pdu {
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [field: string]: unknown;
    toBuffer(): Buffer;
  }
  const smpp: {
    PDU: new (command: string | Buffer, fields?: Readonly<Record<string, unknown>>) => Pdu;
    /** Both ways, by the names of fields and optional parameters. */
    filters: { time: { encode(value: unknown): unknown; decode(value: unknown): unknown } };
  };
  export default smpp;
}
