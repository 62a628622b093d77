/** Which blocks of the project's code, and of the parsers that it uses, ran: as V8 counts them in this thread. */
import { type Profiler, Session } from 'node:inspector';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/documents.ts';

const ROOT_URL = pathToFileURL(ROOT).href;
const COUNTED = /^(?:src|node_modules\/(?:yaml|zod|msgpackr|re2js|ws))\//;

/** Counts from its construction on. What was loaded before is counted too, once it runs. */
export class Coverage {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that ran since the last call. */
  take(): Set<string> {
    const blocks = new Set<string>();
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      for (const script of result) if (isCounted(script.url)) addBlocks(script, blocks);
    });
    return blocks;
  }

  close(): void {
    this.#session.disconnect();
  }
}

function isCounted(url: string): boolean {
  return url.startsWith(ROOT_URL) && COUNTED.test(url.slice(ROOT_URL.length));
}

function addBlocks({ url, functions }: Profiler.ScriptCoverage, blocks: Set<string>): void {
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges)
      if (count > 0) blocks.add(`${url}:${startOffset}-${endOffset}`);
}
