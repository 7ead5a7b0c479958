/** What is looked at of a request to tell who asks: fits Fastify's request and Node's own, a WebSocket's included. */
export interface AskingRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A header that may come once; several are as good as none. */
export function headerOf(request: AskingRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
