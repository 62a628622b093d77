const MAX_TEXT = 512;

/** Progress as lines of text: `40%`, `40 % indexes`, `3/8 rewriting`, or any sentence. */
export function parseProgress(line: string): { done: number | null; text: string } {
  const text = line.trim().slice(0, MAX_TEXT);
  const percent = /^(\d{1,3}(?:\.\d+)?)\s*%\s*(.*)$/.exec(text);
  if (percent) return { done: Math.min(1, Number(percent[1]) / 100), text: percent[2] || text };
  const part = /^(\d{1,9})\s*\/\s*(\d{1,9})\b\s*(.*)$/.exec(text);
  if (part && Number(part[2]) > 0)
    return { done: Math.min(1, Number(part[1]) / Number(part[2])), text: part[3] || text };
  return { done: null, text };
}

/** Progress as code that nobody checked may tell it: a line, a share, or an object with either; never anything else. */
export function progressOf(told: unknown): { done: number | null; text: string } {
  if (typeof told === 'string') return parseProgress(told);
  if (typeof told === 'number') return { done: shareOf(told), text: '' };
  const { done, text } = (told ?? {}) as { done?: unknown; text?: unknown };
  return { done: shareOf(done), text: typeof text === 'string' ? text.slice(0, MAX_TEXT) : '' };
}

function shareOf(done: unknown): number | null {
  return typeof done === 'number' && !Number.isNaN(done) ? Math.min(1, Math.max(0, done)) : null;
}

/** A line that reaches this length is passed over. */
const MAX_LINE = 4_096;

/** Calls `each` for every line of text, never holding more than one of them. */
export function readLines(stream: NodeJS.ReadableStream, each: (line: string) => void): void {
  let held = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const parts = `${chunk}`.split('\n');
    for (const [at, part] of parts.entries()) {
      held = `${held}${part}`.slice(0, MAX_LINE);
      if (at === parts.length - 1) break;
      if (held.length < MAX_LINE) each(held);
      held = '';
    }
  });
  stream.on('end', () => {
    if (held !== '' && held.length < MAX_LINE) each(held);
  });
}
