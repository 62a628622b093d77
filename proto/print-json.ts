/** JSON as the formatter of this repository prints it: lists of scalars on one line where they fit. */
const WIDTH = 110;

export function printJson(value: unknown): string {
  return `${print(value, '', 0)}\n`;
}

/** @param taken columns in use on the line where the value begins. */
function print(value: unknown, indent: string, taken: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    const scalars = value.every((item) => typeof item !== 'object' || item === null);
    // One column for the comma behind it.
    if (value.length === 0 || (scalars && taken + line.length < WIDTH)) return line;
    return wrap(value.map((item) => print(item, inner, inner.length)));
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  return wrap(
    entries.map(([key, item]) => {
      const label = `${JSON.stringify(key)}: `;
      return `${label}${print(item, inner, inner.length + label.length)}`;
    }),
    '{}',
  );

  function wrap(lines: readonly string[], [open, close] = '[]'): string {
    return `${open}\n${lines.map((line) => `${inner}${line}`).join(',\n')}\n${indent}${close}`;
  }
}
