/** A config as it may be shown: what could be a secret in it is not. */

const HIDDEN = '***';
/** Names of options, query parameters and variables whose values are nobody's business. */
const SECRET = /pass|secret|token|key|auth|credential|^hash$/i;
/** Keys of a config that name where a secret is, and are none. */
const PLACES: ReadonlySet<string> = new Set(['tokenFile', 'secretEnv', 'tokenEnv']);

/** A copy in which passwords in addresses, and values of options that look like secrets, are `***`. */
export function withoutSecrets(value: unknown, key = ''): unknown {
  if (typeof value === 'string')
    return SECRET.test(key) && !PLACES.has(key) ? HIDDEN : withoutCredentials(value);
  if (Array.isArray(value))
    return value.map((item, at) =>
      // `--password`, and in the next word what it is.
      typeof item === 'string' && isSecretOption(value[at - 1]) ? HIDDEN : withoutSecrets(item, key),
    );
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutSecrets(item, name)]));
}

function isSecretOption(word: unknown): boolean {
  return typeof word === 'string' && /^-+[\w-]+$/.test(word) && SECRET.test(word);
}

/** Within a text: `//user:password@`, `?token=…`, `--password=…`, `PASSWORD=…`. */
function withoutCredentials(text: string): string {
  return text
    .replace(/(\/\/)[^/@\s]*@/g, `$1${HIDDEN}@`)
    .replace(/([\w-]+)=([^&\s]+)/g, (whole, name: string) =>
      SECRET.test(name) ? `${name}=${HIDDEN}` : whole,
    );
}
