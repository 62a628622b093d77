/** What the page says to the gate and hears from it: JSON over `/v1/…`, with the token that came in its address. */

const KEPT = 'skewgate.token';
/** ms that the gate has to answer a question in. */
const ANSWER_MS = 8_000;

/** The gate answered, and did not do it. */
export class Refusal extends Error {
  /** @param {number} status of HTTP @param {string} message */
  constructor(status, message) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }
}

/** Keeps the token that the address holds behind `#token=`, for this tab, and takes it out of the address. */
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  keepToken(token);
  history.replaceState(null, '', location.pathname + location.search);
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEPT, token);
}

/** @returns {boolean} */
export function hasToken() {
  return sessionStorage.getItem(KEPT) !== null;
}

/**
 * @param {string} path
 * @returns {Promise<unknown>} what it answers
 * @throws {Refusal} where it does not
 * @throws {Error} if the gate can't be reached
 */
export function ask(path) {
  return request(path, { signal: AbortSignal.timeout(ANSWER_MS) });
}

/**
 * @param {string} path
 * @param {object} body
 * @param {AbortSignal} [signal] gives up waiting for the answer
 * @returns {Promise<unknown>} as `ask` does; a verb answers when what it says is true, which may take long
 */
export function tell(path, body, signal) {
  return request(path, {
    method: 'POST',
    // Whatever stands between may send it a second time: the gate acts on it once.
    headers: { 'content-type': 'application/json', 'idempotency-key': newKey() },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

/**
 * @param {string} path
 * @param {string} last id of the event that was heard last; empty: none was
 * @returns {Promise<AsyncIterable<string>>} what is sent, as text
 */
export async function openStream(path, last) {
  const response = await send(path, { headers: last === '' ? {} : { 'last-event-id': last } });
  if (!response.ok || response.body === null) throw new Refusal(response.status, 'no stream');
  return textIn(response.body.getReader());
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @returns {AsyncGenerator<string>} */
async function* textIn(reader) {
  const decoder = new TextDecoder();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    yield decoder.decode(part.value, { stream: true });
}

/** For one request. `randomUUID` is not there where the page came over plain HTTP. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/** @param {string} path @param {RequestInit} options */
function send(path, options) {
  const token = sessionStorage.getItem(KEPT);
  const headers = { ...options.headers, ...(token !== null && { authorization: `Bearer ${token}` }) };
  return fetch(path, { ...options, headers, cache: 'no-store', credentials: 'omit' });
}

/** @param {string} path @param {RequestInit} options */
async function request(path, options) {
  const response = await send(path, options);
  const text = await response.text();
  const answer = text === '' ? null : JSON.parse(text);
  // What was sent as the token is none, so the page asks for it.
  if (response.status === 401) sessionStorage.removeItem(KEPT);
  if (!response.ok) throw new Refusal(response.status, answer?.message ?? `HTTP status ${response.status}`);
  return answer;
}
