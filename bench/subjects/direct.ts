/** No proxy: what load generator and backend can do, of which a proxy can only leave less. */
import type { ProxyKind } from './proxy.ts';

export const DIRECT: ProxyKind = {
  id: 'direct',
  needs: [],
  async start(_lab, [port]) {
    return { pid: null, port: port as number, async [Symbol.asyncDispose]() {} };
  },
};
