/** Progress as lines of text: `40%`, `40 % indexes`, `3/8 rewriting`, or any sentence. */
export function parseProgress(line: string): { done: number | null; text: string } {
  const text = line.trim().slice(0, 512);
  const percent = /^(\d{1,3}(?:\.\d+)?)\s*%\s*(.*)$/.exec(text);
  if (percent) return { done: Math.min(1, Number(percent[1]) / 100), text: percent[2] || text };
  const part = /^(\d{1,9})\s*\/\s*(\d{1,9})\b\s*(.*)$/.exec(text);
  if (part && Number(part[2]) > 0)
    return { done: Math.min(1, Number(part[1]) / Number(part[2])), text: part[3] || text };
  return { done: null, text };
}
