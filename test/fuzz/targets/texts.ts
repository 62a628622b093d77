/** Short texts from outside: connection URLs, versions, addresses, durations; records of the ledger; lines of a log. */

import { readEntry } from '../../../src/cli/log/entry.ts';
import { LogPage } from '../../../src/cli/log/page.ts';
import { Summary } from '../../../src/cli/log/summary.ts';
import { entryLine } from '../../../src/cli/log-lines.ts';
import { parseUrl, UrlError } from '../../../src/client/url.ts';
import { emptyRecord, LedgerFormatError, readRecord } from '../../../src/migration/ledger/record.ts';
import { parseMinor, parseVersion, printVersion, VersionError } from '../../../src/version/version.ts';
import { allowing, type OpenTarget, texts } from '../target.ts';

/** Connection URLs. */
export const openUrls: OpenTarget = async () => ({
  corpus: texts(
    'skewgate://127.0.0.1:8700/?version=4.13.2&user=x',
    'jdbc:skewgate+ws://[::1]/?version=4.13.2-HBase-1.4&upgrade=must-not&protocol=3..5',
  ),
  words: [
    'skewgate://',
    'skewgate+ws://',
    'skewgates://',
    'skewgate+wss://',
    'jdbc:',
    'version=',
    'upgrade=',
    'protocol=',
    'token=',
    '..',
    '@',
    '[::1]',
  ],
  longest: 512,
  run: (input) => void allowing([UrlError], () => parseUrl(Buffer.from(input).toString())),
});

/** Versions and release lines: what is read prints as it was written. */
export const openVersions: OpenTarget = async () => ({
  corpus: texts('4.14.0', '4.14.1-cdh5.14.2', '5.1.0-SNAPSHOT+build.1', '4.15'),
  words: ['.', '-', '+', '9007199254740993', 'HBase'],
  longest: 128,
  run(input) {
    const text = Buffer.from(input).toString();
    allowing([VersionError], () => parseMinor(text));
    const version = allowing([VersionError], () => parseVersion(text));
    if (version !== undefined && printVersion(version) !== text)
      throw new Error(`${text} prints as ${printVersion(version)}`);
  },
});

/** The ledger's record, which whoever can write to its store may have written. */
export const openLedger: OpenTarget = async () => {
  const trigger = { gate: 'g', connection: 'c', client: '4.14.0', driver: 'd' };
  const plan = {
    steps: [{ from: '4.13.0', to: '4.14.0', fromLevel: 27, level: 28 }],
    runs: [{ step: 0, from: null, to: '4.14.0', fromLevel: 27, toLevel: 28, own: false, script: null }],
    downtime: false,
  };
  const claim = {
    owner: 'g',
    token: 1,
    attempt: 1,
    plan,
    checksum: 'x',
    runsDone: 0,
    begun: true,
    trigger,
    since: 1,
    progress: null,
    process: { host: 'h', pid: 1, started: '1' },
    abort: null,
  };
  const record = { ...emptyRecord('main'), level: 27, release: '4.13.0', token: 1 };
  return {
    corpus: texts(
      JSON.stringify(record),
      JSON.stringify({ ...record, claim, block: { by: 'a', reason: 'b', at: 1, until: null } }),
    ),
    words: Object.keys({ ...record, ...claim, ...plan }).map((key) => `"${key}":`),
    longest: 4_096,
    run: (input) =>
      void allowing([LedgerFormatError], () => readRecord(Buffer.from(input).toString(), 'main')),
  };
};

/** What a terminal would act on, or not show: all but the end of a line. */
const ACTIVE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Lines of a decision log, as `skewgate log` shows them: whatever they hold, terminal and page get plain text. */
export const openLog: OpenTarget = async () => {
  const common = { time: '2026-01-31T12:00:00.000Z', gate: 'g', cluster: 'main' };
  const records = [
    {
      ...common,
      event: 'handshake',
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      client: '4.15.0',
      message: 'm',
      move: { side: 'server', to: '4.15', who: ['a'] },
      properties: { user: 'u' },
    },
    { ...common, event: 'server', server: 's1', state: 'down', lastError: 'e' },
    {
      ...common,
      event: 'session-end',
      client: '4.14.0',
      session: 's',
      reason: 'client-ended',
      durationMs: 5,
    },
    { ...common, event: 'migration', what: 'failed', error: 'f' },
    {
      ...common,
      event: 'operator',
      verb: 'drain',
      stage: 'begun',
      by: 'b',
      reason: 'r',
      target: { kind: 'server', id: 'x' },
    },
  ];
  return {
    corpus: texts(
      ...records.map((record) => JSON.stringify(record)),
      '{"@timestamp":"2026-01-31T12:00:00.000Z","event":{"action":"handshake"}}',
    ),
    words: [
      '\\u001b[2J',
      '\\u2028',
      '\\u009b',
      '\\ud800',
      '<script>',
      '"constructor"',
      '"__defineGetter__"',
      '"__proto__"',
      '\\"',
      ...Object.keys(Object.assign({}, ...records)).map((key) => `"${key}":`),
    ],
    longest: 2_048,
    run(input) {
      const entry = readEntry(Buffer.from(input).toString());
      if (entry === null) return;
      const summary = new Summary();
      const page = new LogPage(['log'], { local: false });
      for (const view of [summary, page]) view.add(entry);
      for (const text of [entryLine(entry, { local: false }) ?? '', summary.print(), page.html()])
        if (ACTIVE.test(text)) throw new Error(`shows ${JSON.stringify(ACTIVE.exec(text)?.[0])} as it is`);
    },
  };
};
