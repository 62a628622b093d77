/** A strict reader of small XML documents, for reports: what is not well-formed is an error. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of this element alone, without that of its children. */
  readonly text: string;
}

type Open = { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string };

const TOKEN = /<\?xml [^?]*\?>|<(\/?)([A-Za-z][\w-]*)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** @throws where it is not well-formed. */
export function parseXml(text: string): XmlElement {
  const root: Open = { name: '', attributes: {}, children: [], text: '' };
  const open: Open[] = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`not well-formed at ${JSON.stringify(text.slice(from, from + 60))}`);
    const [, closing, name, attributes = '', alone, words] = match;
    const current = open.at(-1) as Open;
    if (words !== undefined) current.text += plain(words);
    else if (closing === '/') {
      if (current.name !== name) throw new Error(`</${name}> closes <${current.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element: Open = { name, attributes: attributesIn(attributes), children: [], text: '' };
      current.children.push(element);
      if (alone !== '/') open.push(element);
    }
  }
  const [document] = root.children;
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name}> is not closed`);
  if (document === undefined || root.children.length > 1 || root.text.trim() !== '')
    throw new Error('a document has one element at its root, and nothing beside it');
  return document;
}

function attributesIn(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(
    ([, name, value]) => [name as string, plain(value as string)] as const,
  );
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Error(`an attribute twice:${text}`);
  return Object.fromEntries(pairs);
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML can't hold
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text))
    throw new Error('a character that XML can not hold');
  return text.replace(/&([^;]*);?/g, (all, name: string) => {
    const sign = ENTITIES[name];
    if (sign === undefined || !all.endsWith(';')) throw new Error(`no such entity: ${all}`);
    return sign;
  });
}
