import { connectEsme } from '#protocols/smpp';

/**
 * How many texts a second the SMPP library submits by itself, window 100: the better of two runs, for the first warms it.
 * @throws Error where one was refused
 */
export async function bareSubmits(trial: {
  readonly port: number;
  readonly texts: number;
  readonly from: string;
  readonly phones: readonly string[];
}): Promise<number> {
  const { port, texts, from, phones } = trial;
  const { session } = await connectEsme({
    host: '127.0.0.1',
    port,
    as: 'transceiver',
    systemId: 'bare',
    window: 100,
  });
  const run = async (): Promise<number> => {
    const began = performance.now();
    await Promise.all(
      Array.from({ length: texts }, async (_, index) => {
        const { status } = await session.request({
          command: 'submit_sm',
          source: { ton: 1, npi: 1, addr: from },
          destination: { ton: 1, npi: 1, addr: phones[index % phones.length] ?? '' },
          shortMessage: Buffer.from(`text ${String(index)}`),
        });
        if (status !== 0) throw new Error(`a submit was answered ${String(status)}`);
      }),
    );
    return texts / ((performance.now() - began) / 1_000);
  };
  const best = Math.max(await run(), await run());
  await session.unbind();
  return best;
}
