/**
 * A certificate's subject as RFC 4514 writes it, taken apart: `CN=web\, 1,O=Shop`. A comma or plus that belongs to a value
 * is escaped in it, so that a name chosen by a client is never read as two.
 */

/** One attribute; several joined by `+` are one part of a subject. */
export interface SubjectAttribute {
  /** In capitals, as `CN`; those without a name as numbers, `2.5.4.3`. */
  readonly type: string;
  /** Without escapes; of a pattern, one that is not escaped stays a `*`. */
  readonly value: string;
}

/** One character, as it is or escaped by a backslash or two hex digits. */
const CHARACTER = /\\([0-9a-fA-F]{2})|\\(.)|([^\\])/gsu;
const TYPE = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)$/;

/**
 * The parts of a subject, in its order.
 * @param what in a pattern `*` stands for characters, so that an asterisk of a name can't be stated in one
 * @throws {Error} if it is no subject
 */
export function parseSubject(text: string, what: 'name' | 'pattern'): SubjectAttribute[][] {
  const parts: { type: string | null; text: string }[][] = [[{ type: null, text: '' }]];
  let bytes: number[] = [];
  const add = (characters: string) => {
    const attribute = parts.at(-1)?.at(-1) as { text: string };
    if (bytes.length > 0) attribute.text += Buffer.from(bytes).toString('utf8');
    bytes = [];
    attribute.text += characters;
  };
  let read = 0;
  for (const [whole, hex, escaped, bare] of text.matchAll(CHARACTER)) {
    read += whole.length;
    const attribute = parts.at(-1)?.at(-1) as { type: string | null; text: string };
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (escaped !== undefined) add(escaped);
    else if (bare === '=' && attribute.type === null) {
      add('');
      attribute.type = typeIn(attribute.text, text);
      attribute.text = '';
    } else if (bare === ',') {
      add('');
      parts.push([{ type: null, text: '' }]);
    } else if (bare === '+') {
      add('');
      parts.at(-1)?.push({ type: null, text: '' });
    } else add(bare ?? '');
  }
  add('');
  if (read !== text.length) throw notOne(text);
  return parts.map((part) =>
    part.map(({ type, text: value }) => {
      if (type === null || (what === 'pattern' && value.includes('**'))) throw notOne(text);
      return { type, value };
    }),
  );
}

function typeIn(text: string, whole: string): string {
  const type = TYPE.exec(text)?.[1];
  if (type === undefined) throw notOne(whole);
  return type.toUpperCase();
}

const notOne = (text: string) =>
  new Error(`${JSON.stringify(text)} is not a subject such as CN=web-*,O=Shop`);
