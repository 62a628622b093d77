/**
 * The dialog of a verb: its form, what the gate says that it would do (`dryRun`, asked anew with every change), and a
 * button that does just that. A verb answers when what it says is true; the dialog may be closed before.
 */
import { Refusal, tell } from './api.js';
import { h, show } from './dom.js';
import { button } from './parts.js';
import { cut, plural, said } from './text.js';
import { startingValues, VERBS } from './verbs.js';

/** @import { Field, Values, Verb } from './verbs.js' */

/**
 * @typedef {{ readonly sentence: string, readonly sessions?: number, readonly done?: boolean, readonly waitsFor?: string | null, readonly changes?: readonly { readonly sentence: string }[], readonly refused?: readonly { readonly why: string }[], readonly details?: { readonly warnings: readonly string[], readonly clients: Readonly<Record<string, number>> } }} Effect
 * @typedef {{ readonly state: 'asking' | 'good' | 'bad' | 'running', readonly effect?: Effect, readonly error?: string }} Preview
 */

/** Where the name of whoever acts is kept, so that it is typed once. */
const NAME = 'skewgate.by';
/** ms without a key pressed, after which the preview is asked for anew. */
const PAUSE_MS = 250;
/** Releases that a preview names. */
const LINES = 6;

export class VerbDialog {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {(text: string, isBad: boolean) => void} report told how a verb ended, whether the dialog is still open or not
   */
  constructor(dialog, report) {
    this.dialog = dialog;
    this.report = report;
    /** @type {Verb | null} */
    this.verb = null;
    /** @type {Values} */
    this.values = {};
    /** @type {Preview} */
    this.preview = { state: 'asking' };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** Counts previews that were asked for: an answer to an older question is not shown. */
    this.asked = 0;
    dialog.addEventListener('close', () => this.#closed());
  }

  /** @param {string} name @param {Values} subject what it is about, as far as known */
  open(name, subject) {
    const verb = VERBS[name];
    if (verb === undefined || this.dialog.open) return;
    this.verb = verb;
    this.values = startingValues(verb, { by: localStorage.getItem(NAME) ?? '', ...subject });
    // Nothing that was typed for another verb is left over.
    show(this.dialog);
    this.#ask();
    this.dialog.showModal();
  }

  #closed() {
    clearTimeout(this.timer);
    this.asked++;
    this.verb = null;
  }

  /** @param {string} name @param {string} value */
  #change(name, value) {
    this.values = { ...this.values, [name]: value };
    clearTimeout(this.timer);
    // What is under way is the answer to what was typed before.
    this.asked++;
    this.#show({ state: 'asking' });
    this.timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  async #ask() {
    const { verb, values } = this;
    if (verb === null) return;
    const asked = ++this.asked;
    this.#show({ state: 'asking' });
    const preview = await effectOf(verb, values, true);
    if (asked === this.asked) this.#show(preview);
  }

  async #act() {
    const { verb, values, preview } = this;
    if (verb === null || preview.state !== 'good') return;
    const asked = ++this.asked;
    localStorage.setItem(NAME, values.by ?? '');
    this.#show({ ...preview, state: 'running' });
    const outcome = await effectOf(verb, values, false);
    const isBad = outcome.state === 'bad';
    const waits = outcome.effect?.waitsFor ? ` It waits for ${outcome.effect.waitsFor}.` : '';
    this.report(`${verb.act}: ${outcome.error ?? outcome.effect?.sentence ?? ''}${waits}`, isBad);
    if (asked !== this.asked) return;
    if (isBad) this.#show(outcome);
    else this.dialog.close();
  }

  /** @param {Preview} preview */
  #show(preview) {
    this.preview = preview;
    const { verb, values } = this;
    if (verb === null) return;
    const isRunning = preview.state === 'running';
    const send = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#act();
    };
    show(
      this.dialog,
      h('h2', { id: 'verb-title' }, verb.title),
      h(
        'form',
        { class: 'form', onsubmit: send },
        verb.fields
          .filter(({ shown }) => shown?.(values) ?? true)
          .map((field) =>
            fieldView(field, values[field.name] ?? '', (value) => this.#change(field.name, value)),
          ),
        previewView(preview),
        h(
          'div',
          { class: 'acts' },
          button(isRunning ? 'Leave it running' : 'Cancel', () => this.dialog.close(), { key: 'cancel' }),
          h('button', { type: 'submit', class: 'main', disabled: preview.state !== 'good' }, verb.act),
        ),
      ),
    );
  }
}

/**
 * @param {Verb} verb @param {Values} values @param {boolean} dryRun
 * @returns {Promise<Preview>}
 */
async function effectOf(verb, values, dryRun) {
  try {
    const effect = /** @type {Effect} */ (await tell(verb.path, { ...verb.body(values), dryRun }));
    return { state: 'good', effect };
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return {
      state: 'bad',
      error: error instanceof Refusal ? message : `the gate can't be reached: ${message}`,
    };
  }
}

/** @param {Field} field @param {string} value @param {(value: string) => void} change */
function fieldView({ name, label, kind, hint, choices = [] }, value, change) {
  const hear = (/** @type {Event} */ event) => change(/** @type {HTMLInputElement} */ (event.target).value);
  if (kind === 'check') {
    const check = (/** @type {Event} */ event) =>
      change(/** @type {HTMLInputElement} */ (event.target).checked ? 'on' : '');
    return h(
      'label',
      { class: 'check', key: name },
      h('input', { type: 'checkbox', name, checked: value === 'on', onchange: check }),
      label,
    );
  }
  if (kind === 'choice') {
    const options = choices.map(([choice, words]) =>
      h('option', { key: choice, value: choice, selected: choice === value }, words),
    );
    return h('label', { class: 'wide', key: name }, label, h('select', { name, onchange: hear }, options));
  }
  return h(
    'label',
    { class: 'wide', key: name },
    label,
    h('input', {
      type: kind === 'secret' ? 'password' : 'text',
      name,
      value,
      placeholder: hint,
      autocomplete: 'off',
      oninput: hear,
    }),
  );
}

/** @param {Preview} preview */
function previewView({ state, effect, error }) {
  const view = (/** @type {import('./dom.js').Child[]} */ ...children) =>
    h(
      'div',
      { class: state === 'bad' ? 'preview bad' : 'preview', key: 'preview', role: 'status' },
      children,
    );
  if (state === 'asking') return view(h('p', { class: 'soft' }, 'Asking the gate what this would do…'));
  if (state === 'bad') return view(h('p', { class: 'bad' }, said(error, '', 600)));
  return view(
    h('p', null, said(effect?.sentence ?? '', '', 600)),
    effect?.sessions !== undefined &&
      effect.sessions > 0 &&
      h('p', { class: 'soft' }, `Concerns ${plural(effect.sessions, 'session')}${byClient(effect)}.`),
    effect?.changes?.map(({ sentence }) => h('p', null, said(sentence, '', 300))),
    effect?.refused?.map(({ why }) => h('p', { class: 'bad' }, said(why, '', 300))),
    effect?.details?.warnings.map((warning) => h('p', { class: 'warn' }, said(warning, '', 400))),
    state === 'running' && h('p', { class: 'soft' }, 'Under way: this stays until it is true.'),
  );
}

/** Which releases these are of. @param {Effect} effect */
function byClient({ details }) {
  const lines = Object.entries(details?.clients ?? {}).map(
    ([client, count]) => `${count} of ${cut(client, 30)}`,
  );
  if (lines.length === 0) return '';
  const shown = lines.slice(0, LINES).join(', ');
  return `: ${shown}${lines.length > LINES ? ', …' : ''}`;
}
