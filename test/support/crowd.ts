/** Clients that come one after the other, each with a session that has to echo, until they are told to stop. */
import { once } from 'node:events';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';

export interface CrowdResult {
  /** Sessions that echoed. */
  readonly admitted: number;
  /** What became of the others, each as a message. */
  readonly failures: readonly string[];
}

/** @param lanes how many come at the same time. @param urls taken in turn */
export function keepComing(urls: readonly string[], lanes: number): { stop(): Promise<CrowdResult> } {
  const failures: string[] = [];
  let admitted = 0;
  let isOver = false;
  const lane = async (url: string) => {
    while (!isOver)
      try {
        await visit(url);
        admitted++;
      } catch (error) {
        failures.push(`${(error as Error).name}: ${(error as Error).message}`);
      }
  };
  const all = Promise.all(Array.from({ length: lanes }, (_, at) => lane(urls[at % urls.length] as string)));
  return {
    async stop() {
      isOver = true;
      await all;
      return { admitted, failures };
    },
  };
}

async function visit(url: string): Promise<void> {
  const session = await connectTo(parseUrl(url), realRuntime);
  session.write('x');
  const [echoed] = await once(session, 'data');
  if (String(echoed) !== 'x') throw new Error(`${echoed} came back for x`);
  session.end();
  session.resume();
  await once(session, 'close');
}
