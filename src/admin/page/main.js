/**
 * The page: asks the gate every second how everything stands, hears decisions as they are made, and shows both. When
 * it has lost the gate it says so, keeps what it knew, and goes on asking.
 */
import { ask, hasToken, keepToken, Refusal, takeToken, tell } from './api.js';
import { chartsOf, chartsPanel, draw } from './charts.js';
import { VerbDialog } from './dialog.js';
import { h, show } from './dom.js';
import { auditPanel } from './panels/audit.js';
import { clientsPanel } from './panels/clients.js';
import { decisionsPanel } from './panels/decisions.js';
import { gatesPanel } from './panels/gates.js';
import { headPanel, titleOf } from './panels/head.js';
import { mood, nextPanel } from './panels/next.js';
import { ordersPanel } from './panels/orders.js';
import { refusalsPanel } from './panels/refusals.js';
import { serversPanel } from './panels/servers.js';
import { sessionsPanel } from './panels/sessions.js';
import { upgradePanel } from './panels/upgrade.js';
import { waitingPanel } from './panels/waiting.js';
import { whatIfPanel } from './panels/what-if.js';
import { button } from './parts.js';
import { meet } from './releases.js';
import { NOTHING, SESSIONS_AT_ONCE, SOURCES } from './sources.js';
import { hearDecisions } from './stream.js';
import { clock, cut, elapsed, timeOf } from './text.js';

/** @import { Data, Decision, Verbs } from './shapes.ts' */
/** @import { Wishes } from './sources.js' */

/** ms between rounds of questions. */
const ROUND_MS = 1_000;
/** Decisions kept on the page. */
const DECISIONS = 200;

/** @type {Data} */
let data = NOTHING;
/** @type {Wishes} */
let wishes = { sessionFilter: { client: '', server: '' }, sessionLimit: SESSIONS_AT_ONCE, target: null };
/** Since when nothing was heard of the gate, ms by this machine's clock; null: it answers. @type {number | null} */
let lostSince = null;
/** What the gate could not say, and why. @type {Map<string, string>} */
const gaps = new Map();
let told = { text: '', isBad: false };
/** ms by which the gate's clock is ahead of this machine's. */
let ahead = 0;
let round = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let isDrawn = false;

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const dialog = new VerbDialog(/** @type {HTMLDialogElement} */ (place('verb')), (text, isBad) => {
  told = { text, isBad };
  askSoon();
});

/** @type {Verbs} */
const verbs = {
  open: (verb, subject = {}) => dialog.open(verb, subject),
  aimAt: (target) => wish({ target }),
  filterSessions: ({ client = '', server = '' }) =>
    wish({ sessionFilter: { client: String(client).trim(), server: String(server).trim() } }),
  moreSessions: () => wish({ sessionLimit: wishes.sessionLimit + SESSIONS_AT_ONCE }),
  useToken: (token) => {
    keepToken(token);
    askSoon();
  },
  askWhatIf,
};

/** @param {Partial<Wishes>} change */
function wish(change) {
  wishes = { ...wishes, ...change };
  askSoon();
}

/** @param {Readonly<Record<string, unknown>>} question */
async function askWhatIf({ server = '', version = '', policy = '' }) {
  const release = String(version).trim();
  const body = {
    ...(release !== '' && (server === '' ? { servers: release } : { server: { [String(server)]: release } })),
    ...(String(policy).trim() !== '' && { policy: String(policy) }),
  };
  try {
    const answer = /** @type {Data['whatIf']['answer']} */ (
      await tell('/v1/what-if', body, AbortSignal.timeout(10_000))
    );
    data = { ...data, whatIf: { answer, error: null } };
  } catch (error) {
    data = { ...data, whatIf: { answer: null, error: /** @type {Error} */ (error).message } };
  }
  showSoon();
}

/** Asks for everything; what can't be said this time stays as it was. */
async function askAll() {
  const asked = wishes;
  // Who may not read asks only whether that is still so.
  const isDue = (/** @type {string} */ name, every = 1) =>
    round % every === 0 && (data.access.reading || name === 'access');
  const due = Object.entries(SOURCES).filter(([name, { every }]) => isDue(name, every));
  round++;
  const answers = await Promise.allSettled(due.map(([, { path }]) => ask(path(asked))));
  answers.forEach((answer, at) => {
    const [name, { take }] = /** @type {(typeof due)[number]} */ (due[at]);
    if (answer.status === 'fulfilled') {
      data = { ...data, ...take(/** @type {never} */ (answer.value), asked) };
      gaps.delete(name);
    } else gaps.set(name, answer.reason.message);
  });
  const isLost = answers.every(
    (answer) => answer.status === 'rejected' && !(answer.reason instanceof Refusal),
  );
  if (isLost) {
    gaps.clear();
    lostSince ??= Date.now();
  } else {
    lostSince = null;
    ahead = (timeOf(data.cluster.now) ?? Date.now()) - Date.now();
  }
  meet([...data.servers.flatMap(({ version }) => version ?? []), ...data.clients.map(({ line }) => line)]);
  // What was wished for meanwhile is asked for at once.
  if (asked !== wishes) askSoon();
}

function askSoon() {
  clearTimeout(timer);
  timer = setTimeout(run, 0);
}

let isAsking = false;

/** One round of questions after the other, while somebody looks. */
async function run() {
  clearTimeout(timer);
  if (isAsking) return;
  if (!document.hidden) {
    isAsking = true;
    await askAll();
    isAsking = false;
    showSoon();
  }
  timer = setTimeout(run, ROUND_MS);
}

function showSoon() {
  if (isDrawn) return;
  isDrawn = true;
  requestAnimationFrame(() => {
    isDrawn = false;
    showAll();
  });
}

function showAll() {
  data = { ...data, now: Date.now() + ahead };
  const isLost = lostSince !== null;
  document.title = titleOf(data, isLost);
  document.body.classList.toggle('lost', isLost);
  show(place('head'), headPanel(data, verbs, { isLost, hasToken: hasToken() }));
  show(place('lost'), lostText());
  show(place('told'), toldView());
  place('next').className = mood(data.next);
  show(place('next'), nextPanel(data, verbs));
  show(place('orders'), ordersPanel(data, verbs));
  show(place('servers'), serversPanel(data, verbs));
  show(place('upgrade'), upgradePanel(data, verbs));
  show(place('clients'), clientsPanel(data, verbs));
  show(place('waiting'), waitingPanel(data));
  show(place('refusals'), refusalsPanel(data));
  const charts = chartsOf(data.charts);
  show(place('charts'), chartsPanel(charts));
  draw(data.charts.times, charts);
  show(place('sessions'), sessionsPanel(data, verbs));
  show(place('decisions'), decisionsPanel(data));
  show(place('gates'), gatesPanel(data));
  show(place('what-if'), whatIfPanel(data, verbs));
  show(place('audit'), auditPanel(data));
}

function lostText() {
  if (lostSince !== null) {
    const since = `The gate does not answer since ${clock(lostSince)}`;
    return `${since} (${elapsed(Date.now() - lostSince)}): what is shown is how it was then. Asking again every second.`;
  }
  if (!data.access.reading) return 'This gate shows nothing without a token: type yours on top.';
  const [gap] = gaps;
  return gap === undefined ? '' : `The gate could not say everything (${gap[0]}): ${cut(gap[1], 300)}`;
}

function toldView() {
  if (told.text === '') return [];
  const forget = () => {
    told = { text: '', isBad: false };
    showSoon();
  };
  return [
    h('span', { class: told.isBad ? 'bad' : '' }, cut(told.text, 600)),
    button('Dismiss', forget, { class: 'small' }),
  ];
}

/** @param {Decision} decision */
function hearOf(decision) {
  if (data.decisions.some(({ id }) => id === decision.id)) return;
  data = { ...data, decisions: [decision, ...data.decisions].slice(0, DECISIONS) };
  showSoon();
}

takeToken();
addEventListener('hashchange', takeToken);
addEventListener('resize', showSoon);
document.addEventListener('visibilitychange', askSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showSoon);
hearDecisions(
  hearOf,
  (stream) => {
    data = { ...data, stream };
    showSoon();
  },
  () => data.access.reading,
);
run();
