/** One page of a log: a picture of who was refused when, and a table of the refusals. Its memory does not grow with the log. */
import { plural } from '../../config/units.ts';
import { escapeMarkup } from '../../report/escape.ts';
import { page } from '../../report/page.ts';
import { clockOf, dayOf, type TimeZone } from '../log-lines.ts';
import { printable } from '../printable.ts';
import { Buckets } from './buckets.ts';
import { colourOf, drawLog } from './chart.ts';
import { type Entry, textIn } from './entry.ts';
import { moveOf, Summary, type SummaryRow } from './summary.ts';

/** Spans of time that are told apart at most. */
const MOST_SPANS = 4_096;
/** Codes with a colour of their own. */
const COLOURED = 6;
/** Rows of a table. */
const MOST_ROWS = 200;

/** Takes the entries of a log, and gives the page in the end. */
export class LogPage {
  readonly summary = new Summary();
  readonly #files: readonly string[];
  readonly #zone: TimeZone;
  readonly #buckets = new Buckets(1_000, MOST_SPANS);
  readonly #gates = new Set<string>();

  /** @param files as they were named, for the heading */
  constructor(files: readonly string[], zone: TimeZone) {
    this.#files = files;
    this.#zone = zone;
  }

  add(entry: Entry): void {
    this.summary.add(entry);
    this.#buckets.add(entry);
    const gate = textIn(entry, 'gate');
    if (gate !== null && this.#gates.size < MOST_ROWS) this.#gates.add(gate);
  }

  html(): string {
    const title = `${this.summary.total('refuse')} refused, ${this.summary.total('permit')} admitted`;
    return page(
      title,
      `<article>\n<h1>${title}</h1>\n${this.#facts()}\n${this.#figure()}\n${this.#refusals()}\n</article>`,
    );
  }

  #facts(): string {
    const buckets = this.#buckets.list();
    const [first, last] = [buckets[0], buckets.at(-1)];
    const when =
      first && last
        ? `${this.#time(first.from)} to ${this.#time(last.from + this.#buckets.width)}`
        : 'no handshakes';
    const { lost } = this.summary;
    const lines = [
      `${when}${this.#zone.local ? '' : ' (UTC)'}; ${plural(this.#gates.size, 'gate')}: ${[...this.#gates].sort().map(printable).join(', ') || 'none named'}`,
      `from ${this.#files.join(', ')}`,
      ...(lost > 0 ? [`${plural(lost, 'record')} of this log were lost`] : []),
    ];
    return lines.map((line) => `<p class="small">${escapeMarkup(line)}</p>`).join('\n');
  }

  #figure(): string {
    const buckets = this.#buckets.list();
    if (buckets.length === 0) return '';
    const codes = this.#codes();
    const { width } = this.#buckets;
    const zone = this.#zone;
    const wide = drawLog(buckets, width, { width: 1_040, columns: 120, codes, zone, kind: 'wide' });
    const narrow = drawLog(buckets, width, { width: 344, columns: 48, codes, zone, kind: 'narrow' });
    const others = this.#allCodes().length > codes.length ? ['other codes'] : [];
    const legend = [...codes, ...others].map(
      (code, at) => `<li><span class="swatch v${colourOf(at)}"></span>${escapeMarkup(printable(code))}</li>`,
    );
    return `<figure>
${wide}
${narrow}
<figcaption>Clients over time; the two strips have scales of their own.<ul class="legend">${legend.join('')}<li><span class="swatch"></span>admitted</li></ul></figcaption>
</figure>`;
  }

  #refusals(): string {
    const refused = this.summary.rows().filter(({ verdict }) => verdict === 'refuse');
    if (refused.length === 0) return '<h2>Refused</h2>\n<p>Nobody was refused.</p>';
    const more =
      refused.length > MOST_ROWS
        ? `<p class="small">${refused.length - MOST_ROWS} more are left out.</p>`
        : '';
    return `<h2>Refused</h2>
<div class="scroll" tabindex="0"><table><thead><tr><th class="number">count</th><th>code</th><th>client</th><th>who must move</th><th>first</th><th>last</th><th>what the first one was told</th></tr></thead><tbody>
${refused
  .slice(0, MOST_ROWS)
  .map((row) => this.#row(row))
  .join('\n')}
</tbody></table></div>${more}`;
  }

  #row(row: SummaryRow): string {
    const texts = [row.code, row.client ?? '?', moveOf(row)];
    const times = [row.first, row.last].map((time) => this.#shortTime(Date.parse(time)));
    const cell = (text: string, kind = '') => `<td${kind}>${escapeMarkup(printable(text))}</td>`;
    return `<tr>${cell(String(row.count), ' class="number"')}${texts.map((text) => cell(text)).join('')}${times.map((time) => cell(time, ' class="time"')).join('')}${cell(row.message)}</tr>`;
  }

  /** Codes of refusals, the most frequent first. */
  #allCodes(): string[] {
    const counts = new Map<string, number>();
    for (const { verdict, code, count } of this.summary.rows())
      if (verdict === 'refuse') counts.set(code, (counts.get(code) ?? 0) + count);
    return [...counts].sort(([, a], [, b]) => b - a).map(([code]) => code);
  }

  #codes(): string[] {
    return this.#allCodes().slice(0, COLOURED);
  }

  /** Without the day where all of the log is of one. */
  #shortTime(at: number): string {
    const buckets = this.#buckets.list();
    const days = new Set([buckets[0], buckets.at(-1)].map((bucket) => dayOf(bucket?.from ?? at, this.#zone)));
    return days.size === 1 ? clockOf(at, this.#zone).slice(0, 8) : this.#time(at);
  }

  #time(at: number): string {
    return `${dayOf(at, this.#zone)} ${clockOf(at, this.#zone).slice(0, 8)}`;
  }
}
