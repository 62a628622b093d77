/** Results as Markdown tables, and as JSON. */
import { type Figure, type Measured, seriesOf } from './experiment.ts';
import { ratiosOf, type Spread, spreadOf } from './statistics.ts';

/** Variants in the order in which they were named, over all the experiments. */
const variantsOf = (all: readonly Measured[]) => [
  ...new Set(all.flatMap(({ experiment }) => experiment.variants.map(({ id }) => id))),
];

/** Tables of all that was measured: one for each set of variants, with ratios and spread; then what is missing. */
export function markdownOf(all: readonly Measured[]): string {
  const groups = Map.groupBy(
    all,
    ({ experiment }) => `${experiment.reference} ${experiment.reference === null ? experiment.name : ''}`,
  );
  return [...[...groups.values()].map(tableOf), busyOf(all), missingOf(all)].filter(Boolean).join('\n\n');
}

function tableOf(group: readonly Measured[]): string {
  const variants = variantsOf(group).filter((id) => group.some(({ values }) => values.has(id)));
  const rows = group.flatMap((measured) =>
    measured.experiment.figures.map((figure) => [
      `${figure.title}, ${figure.unit}`,
      ...variants.map((variant) => cellOf(measured, variant, figure)),
      goalsOf(measured, figure, 'least'),
      goalsOf(measured, figure, 'aim'),
    ]),
  );
  const notes = new Set(group.flatMap(({ experiment }) => experiment.note ?? []));
  return [
    table(['figure', ...variants, 'at least', 'aim'], rows),
    ...[...notes].map((note) => wrap(note)),
  ].join('\n\n');
}

function goalsOf({ experiment: { goals } }: Measured, { goal }: Figure, which: 'least' | 'aim'): string {
  if (goal !== undefined) return compact(goal[which]);
  return Object.values(goals ?? {})
    .map((each) => compact(each[which]))
    .join('; ');
}

/** Of one core, in percent: what is busy beside a proxy could be what is slow. */
function busyOf(all: readonly Measured[]): string {
  const shown = all.filter(({ values }) =>
    [...values.values()].some(([first]) => first?.loadBusy !== undefined),
  );
  if (shown.length === 0) return '';
  const variants = variantsOf(shown);
  const share = (measured: Measured, variant: string, key: string) => {
    const values = seriesOf(measured, variant, key);
    return values.length === 0 ? '-' : String(Math.round(spreadOf(values).median * 100));
  };
  const rows = shown.map((measured) => [
    measured.experiment.title,
    ...variants.map((variant) =>
      measured.values.has(variant)
        ? ['loadBusy', 'proxyBusy', 'backendBusy'].map((key) => share(measured, variant, key)).join(' / ')
        : '',
    ),
  ]);
  const words = 'Percent of a core that were used by the load, the proxy and the servers:';
  return `${words}\n\n${table(['load / proxy / servers', ...variants], rows)}`;
}

/** Lines as wide as the documents'. */
export function wrap(text: string, width = 120): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** A ratio with its spread; of the reference the value itself. */
function cellOf(measured: Measured, variant: string, figure: Figure): string {
  const { reference } = measured.experiment;
  const values = seriesOf(measured, variant, figure.key);
  if (values.length === 0) return measured.skipped.has(variant) ? 'skipped' : '';
  if (reference === null) return withSpread(spreadOf(values), compact);
  if (variant === reference) return `1.00 = ${compact(spreadOf(values).median)}`;
  const ratios = ratiosOf(values, seriesOf(measured, reference, figure.key));
  return ratios.length === 0 ? compact(spreadOf(values).median) : withSpread(spreadOf(ratios), ratio);
}

function withSpread({ median, lowest, highest }: Spread, print: (value: number) => string): string {
  return lowest === highest ? print(median) : `${print(median)} (${print(lowest)} to ${print(highest)})`;
}

const ratio = (value: number) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** Three digits that count, with k and M. */
export function compact(value: number): string {
  const [divisor, unit] = value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(3))}${unit}`;
}

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function missingOf(all: readonly Measured[]): string {
  const lines = all.flatMap(({ experiment, skipped }) =>
    [...skipped].map(([variant, reason]) =>
      wrap(`- ${experiment.title}, ${variant}: ${firstLine(reason)}`).replaceAll('\n', '\n  '),
    ),
  );
  return lines.length === 0 ? '' : ['Left out:', '', ...lines].join('\n');
}

const firstLine = (text: string) => text.split('\n')[0] as string;

/** For programs: every value of every round. */
export function jsonOf(all: readonly Measured[], about: object): object {
  return {
    ...about,
    experiments: all.map(({ experiment, values, skipped, seconds }) => ({
      name: experiment.name,
      title: experiment.title,
      reference: experiment.reference,
      figures: experiment.figures,
      values: Object.fromEntries(values),
      skipped: Object.fromEntries(skipped),
      seconds: Math.round(seconds * 10) / 10,
    })),
  };
}
