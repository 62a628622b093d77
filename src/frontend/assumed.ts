/**
 * The front end `assumed`: any program on the port counts as a client of a stated version. It is told nothing
 * but admitted or closed; a WebSocket program sees the code of a refusal as the reason of the close.
 */
import type { ProtocolRange } from '../policy/types.ts';
import { closeReasonOf } from '../wire/close.ts';
import { EarlyDataBuffer } from './early-data.ts';
import type { FrontEnd } from './front-end.ts';
import type { HelloResult } from './pending-client.ts';

export interface AssumedClient {
  readonly version: string;
  /** Whether it may bring the upgrade of the system tables. */
  readonly upgrade: 'may' | 'must-not';
  /** With preset `ranges`: the protocol versions it speaks. */
  readonly protocol?: ProtocolRange;
}

/** @param client what every program on this port counts as. */
export function createAssumedFrontEnd({ version, upgrade, protocol }: AssumedClient): FrontEnd {
  const claim = { source: 'assume' };
  const hello = { version, driver: 'assumed', properties: {}, upgrade, claim, ...(protocol && { protocol }) };
  const said: HelloResult = { kind: 'hello', hello };
  return {
    protocol: 'assumed',
    isTransparent: true,
    accept(connection, memory) {
      const early = new EarlyDataBuffer(connection, memory);
      connection.handle({
        data: (bytes) => early.keep(bytes),
        end: () => early.end(),
        drain() {},
        close: () => early.leave(),
      });
      return {
        protocol: 'assumed',
        connection,
        gone: early.gone,
        get fault() {
          return early.fault;
        },
        hello: async () => said,
        wait() {},
        permit() {},
        refuse: ({ code, message }) => connection.close(closeReasonOf(code, message)),
        earlyData: () => early,
      };
    },
  };
}
