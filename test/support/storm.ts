/** Many clients that come back within a minute after every server died. */
import { scenarioOf } from './scenarios.ts';

export function stormOf(count: number) {
  return scenarioOf({
    name: `${count} clients come back`,
    servers: { count: 3, version: '4.14.0', tables: '4.14.0' },
    clients: [{ name: 'app', count, version: '4.13.0', over: '1m', arrival: 'randomly' }],
    steps: [{ connect: 'app' }],
    expect: { sessions: count, admitted: count, refused: 0, dropped: 0, lost: 0 },
  });
}
