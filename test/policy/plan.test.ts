/** The plan of an upgrade: which steps, in which order, and which the catalogue does not allow. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlanError, type PlanRequest, planUpgrade } from '../../src/policy/plan.ts';
import { type Catalogue, createCatalogue, extendCatalogue, levelOf } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { compareVersions, parseVersion, printCore } from '../../src/version/version.ts';

interface Options {
  readonly catalogue?: Catalogue;
  readonly hooked?: readonly string[];
  /** Absent: that of the release `from`. */
  readonly level?: number;
}

/** @param from null: the release that left the tables is not known. */
function planned(from: string | null, to: string, options: Options = {}) {
  const { catalogue = PHOENIX_CATALOGUE, hooked = [] } = options;
  const release = from === null ? null : parseVersion(from);
  const level = options.level ?? (release ? levelOf(catalogue, release) : 0);
  return planUpgrade({
    catalogue,
    from: { level, release },
    to: parseVersion(to),
    hooked: hooked.map(parseVersion),
  });
}

const stepsOf = (...[from, to, options]: Parameters<typeof planned>) =>
  planned(from, to, options).steps.map(
    (step) => `${step.from}@${step.fromLevel} -> ${step.to}@${step.level}`,
  );

const runsOf = (...[from, to, options]: Parameters<typeof planned>) =>
  planned(from, to, options).runs.map(
    (run) => `${run.step}: ${run.from}@${run.fromLevel} -> ${run.to}@${run.toLevel}${run.own ? ' own' : ''}`,
  );

const withReleases = (...releases: Parameters<typeof extendCatalogue>[1]) =>
  extendCatalogue(PHOENIX_CATALOGUE, releases);

describe('[M5] which steps', () => {
  test('[M5] below 4.3 there is one step for each minor in between, in order', () => {
    expect(stepsOf('4.0.0', '4.2.0')).toEqual(['4.0.0@0 -> 4.1.0@3', '4.1.0@3 -> 4.2.0@4']);
    expect(stepsOf('4.0.0', '4.2.1')).toEqual(['4.0.0@0 -> 4.1.0@3', '4.1.0@3 -> 4.2.1@5']);
    expect(stepsOf('4.1.0', '4.2.0')).toEqual(['4.1.0@3 -> 4.2.0@4']);
  });

  test('[M5] from 4.3 on it is one step, whatever the start', () => {
    expect(stepsOf('4.2.0', '4.9.0')).toEqual(['4.2.0@4 -> 4.9.0@20']);
    expect(stepsOf('4.0.0', '4.3.0')).toEqual(['4.0.0@0 -> 4.3.0@7']);
    expect(stepsOf('4.13.0', '4.14.0')).toEqual(['4.13.0@27 -> 4.14.0@28']);
    expect(stepsOf('4.5.2', '4.16.3')).toEqual(['4.5.2@8 -> 4.16.0@33']);
  });

  test('[M3] a step leads to a release of the catalogue, whatever patch the client that brings it calls itself', () => {
    for (const client of ['4.14.0', '4.14.1', '4.14.9999999999', '4.14.2-cdh5'])
      expect(stepsOf('4.13.0', client), client).toEqual(['4.13.0@27 -> 4.14.0@28']);
    expect(stepsOf('4.1.0', '4.2.7')).toEqual(stepsOf('4.1.0', '4.2.1'));
    expect(stepsOf('4.10.0', '4.13.2')).toEqual(['4.10.0@25 -> 4.11.0@27']);
  });

  test('[P1] 4.2.0 to 4.2.1 is a patch, and runs an upgrade', () => {
    expect(stepsOf('4.2.0', '4.2.1')).toEqual(['4.2.0@4 -> 4.2.1@5']);
  });

  test.each([
    ['4.11.0', '4.13.0'],
    ['4.14.0', '4.14.2'],
    ['4.2.1', '4.2.9'],
    ['4.14.0', '4.13.0'],
    ['4.16.0', '5.1.0'],
  ])('[M3] %s to %s: the level is there already, nothing runs', (from, to) => {
    expect(planned(from, to)).toEqual({ steps: [], runs: [], downtime: false });
  });

  test('a qualifier changes nothing', () => {
    expect(stepsOf('4.13.0-HBase-1.4', '4.14.0-cdh5.14.2')).toEqual(['4.13.0@27 -> 4.14.0@28']);
  });

  test('where no release is known, the level says from where', () => {
    expect(stepsOf(null, '4.14.0', { level: 27 })).toEqual(['4.11.0@27 -> 4.14.0@28']);
    expect(stepsOf(null, '4.2.0', { level: 3 })).toEqual(['4.1.0@3 -> 4.2.0@4']);
    expect(stepsOf(null, '4.2.0', { level: 0 })).toEqual(['null@0 -> 4.1.0@3', '4.1.0@3 -> 4.2.0@4']);
    expect(stepsOf(null, '4.9.0', { level: 0 })).toEqual(['null@0 -> 4.9.0@20']);
  });

  test('tables that are further than their release says: what is done is not done again', () => {
    expect(stepsOf('4.0.0', '4.2.0', { level: 3 })).toEqual(['4.0.0@3 -> 4.2.0@4']);
  });
});

describe('releases with hooks of their own', () => {
  test('[M5] they run in order within the one step', () => {
    expect(runsOf('4.8.0', '4.14.0', { hooked: ['4.10.0', '4.9.0'] })).toEqual([
      '1: 4.8.0@18 -> 4.9.0@20 own',
      '1: 4.9.0@20 -> 4.10.0@25 own',
      '1: 4.10.0@25 -> 4.14.0@28',
    ]);
    expect(stepsOf('4.8.0', '4.14.0', { hooked: ['4.10.0', '4.9.0'] })).toEqual(['4.8.0@18 -> 4.14.0@28']);
  });

  test('the target may have one; those outside the way do not run', () => {
    expect(runsOf('4.9.0', '4.14.0', { hooked: ['4.8.0', '4.9.0', '4.14.0', '4.15.0'] })).toEqual([
      '1: 4.9.0@20 -> 4.14.0@28 own',
    ]);
  });

  test('[M5] below 4.3 each stands in its own hop', () => {
    expect(runsOf('4.0.0', '4.2.1', { hooked: ['4.1.0', '4.2.0'] })).toEqual([
      '1: 4.0.0@0 -> 4.1.0@3 own',
      '2: 4.1.0@3 -> 4.2.0@4 own',
      '2: 4.2.0@4 -> 4.2.1@5',
    ]);
  });
});

describe('releases that must be stopped at', () => {
  test('each ends a step', () => {
    const catalogue = withReleases({ version: parseVersion('4.10.0'), level: 25, mustStop: true });
    expect(stepsOf('4.8.0', '4.14.0', { catalogue })).toEqual([
      '4.8.0@18 -> 4.10.0@25',
      '4.10.0@25 -> 4.14.0@28',
    ]);
  });

  test('one outside the way, or at its ends, changes nothing', () => {
    const stop = (version: string, level: number) => ({
      version: parseVersion(version),
      level,
      mustStop: true,
    });
    const catalogue = withReleases(stop('4.8.0', 18), stop('4.14.0', 28), stop('4.16.0', 33));
    expect(stepsOf('4.8.0', '4.14.0', { catalogue })).toEqual(['4.8.0@18 -> 4.14.0@28']);
  });

  test('one that reaches the level needs no step after it', () => {
    const catalogue = withReleases({ version: parseVersion('4.11.0'), level: 27, mustStop: true });
    expect(stepsOf('4.10.0', '4.13.0', { catalogue })).toEqual(['4.10.0@25 -> 4.11.0@27']);
  });
});

describe('[J1] majors', () => {
  const major = (demands: { downtime?: boolean; script?: string; together?: boolean }) =>
    withReleases({ version: parseVersion('5.0.0'), level: 28, major: demands });

  test('[J1] one that the catalogue says nothing of is not planned', () => {
    expect(() => planned('4.14.0', '5.2.0')).toThrow(PlanError);
    expect(() => planned('4.14.0', '5.2.0')).toThrow(
      'the catalogue does not say what a major upgrade from 4.14 to 5.2 demands: give release 5.0.0 an entry "major" (J1)',
    );
  });

  test('[J1] an entry for a later release does not allow an earlier one', () => {
    const catalogue = withReleases({ version: parseVersion('5.3.0'), level: 44, major: {} });
    expect(() => planned('4.14.0', '5.2.0', { catalogue })).toThrow(PlanError);
    expect(stepsOf('4.14.0', '5.3.0', { catalogue })).toEqual(['4.14.0@28 -> 5.3.0@44']);
  });

  test('[J1] with downtime, or all together: sessions are drained', () => {
    expect(planned('4.14.0', '5.2.0', { catalogue: major({ downtime: true }) }).downtime).toBe(true);
    expect(planned('4.14.0', '5.2.0', { catalogue: major({ together: true }) }).downtime).toBe(true);
    expect(planned('4.14.0', '5.2.0', { catalogue: major({}) }).downtime).toBe(false);
  });

  test('[J1] its script runs once, where the new major is entered', () => {
    const catalogue = major({ script: './to-5.sh' });
    const { runs } = planned('4.14.0', '5.3.0', { catalogue, hooked: ['4.15.0', '5.1.0', '5.2.0'] });
    expect(runs.map(({ to, script }) => [to, script])).toEqual([
      ['4.15.0', null],
      ['5.1.0', './to-5.sh'],
      ['5.2.0', null],
      ['5.3.0', null],
    ]);
  });

  test('[J1] within a major nothing of it applies', () => {
    const { runs, downtime } = planned('5.1.0', '5.2.0', {
      catalogue: major({ downtime: true, script: './to-5.sh' }),
    });
    expect([downtime, runs.map(({ script }) => script)]).toEqual([false, [null]]);
  });

  test('a hooked release of the new major whose level is lower takes the tables nowhere back', () => {
    expect(runsOf('4.16.0', '5.2.0', { catalogue: major({}), hooked: ['5.0.0'] })).toEqual([
      '1: 4.16.0@33 -> 5.0.0@33 own',
      '1: 5.0.0@33 -> 5.2.0@38',
    ]);
  });

  test('releases of the older major that need more than the target are not on the way', () => {
    const stop = { version: parseVersion('4.16.0'), level: 33, mustStop: true };
    const entry = { version: parseVersion('5.0.0'), level: 28, major: {} };
    const catalogue = withReleases(stop, entry);
    expect(runsOf('4.13.0', '5.0.0', { catalogue, hooked: ['4.14.0', '4.15.0'] })).toEqual([
      '1: 4.13.0@27 -> 4.14.0@28 own',
      '1: 4.14.0@28 -> 5.0.0@28',
    ]);
  });

  test('[J1] [M5] from an older major into the hop-by-hop era: every minor of the new one', () => {
    const catalogue = withReleases({ version: parseVersion('4.0.0'), level: 1, major: { downtime: true } });
    expect(stepsOf('3.2.0', '4.2.0', { catalogue })).toEqual([
      '3.2.0@0 -> 4.0.0@1',
      '4.0.0@1 -> 4.1.0@3',
      '4.1.0@3 -> 4.2.0@4',
    ]);
  });
});

describe('[M5] any plan', () => {
  const version = fc
    .tuple(fc.constantFrom(4, 5), fc.integer({ min: 0, max: 17 }), fc.integer({ min: 0, max: 2 }))
    .map(([a, b, c]) => parseVersion(`${a}.${b}.${c}`));
  const catalogue = fc
    .array(fc.record({ version, mustStop: fc.boolean() }), { maxLength: 4 })
    .map((stops) => {
      const entered = createCatalogue(
        [...PHOENIX_CATALOGUE.releases, { version: parseVersion('5.0.0'), major: { downtime: true } }],
        PHOENIX_CATALOGUE.eras,
      );
      return extendCatalogue(
        entered,
        stops.map((stop) => ({ ...stop, level: levelOf(entered, stop.version), major: {} })),
      );
    });
  const request: fc.Arbitrary<PlanRequest> = fc
    .record({
      catalogue,
      from: version,
      to: version,
      hooked: fc.uniqueArray(version, { maxLength: 5, selector: printCore }),
    })
    .map(({ from, ...rest }) => ({
      ...rest,
      from: { level: levelOf(rest.catalogue, from), release: from },
    }))
    .filter(({ from, to }) => from.release.major <= to.major);

  test('[M5] steps are contiguous, levels grow, and the last reaches what the client needs', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const { steps, runs } = planUpgrade(asked);
        const needs = levelOf(asked.catalogue, asked.to);
        if (needs <= asked.from.level) {
          expect([steps, runs]).toEqual([[], []]);
          return;
        }
        expect(steps[0]?.fromLevel).toBe(asked.from.level);
        expect(steps.at(-1)?.level).toBe(needs);
        for (const [at, step] of steps.entries()) {
          expect(step.level).toBeGreaterThan(step.fromLevel);
          if (at > 0) expect([step.from, step.fromLevel]).toEqual([steps[at - 1]?.to, steps[at - 1]?.level]);
          const within = runs.filter((run) => run.step === at + 1);
          expect([within[0]?.from, within[0]?.fromLevel]).toEqual([step.from, step.fromLevel]);
          expect([within.at(-1)?.to, within.at(-1)?.toLevel]).toEqual([step.to, step.level]);
        }
        for (const [at, run] of runs.entries()) {
          expect(run.toLevel).toBeGreaterThanOrEqual(run.fromLevel);
          if (at > 0) expect([run.from, run.fromLevel]).toEqual([runs[at - 1]?.to, runs[at - 1]?.toLevel]);
          expect(compareVersions(parseVersion(run.to), asked.to)).toBeLessThanOrEqual(0);
        }
        expect(new Set(runs.map(({ to }) => to)).size).toBe(runs.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test('planning again from where a step ended gives the rest of the plan', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const { steps } = planUpgrade(asked);
        for (const [at, step] of steps.entries()) {
          const from = { level: step.level, release: parseVersion(step.to) };
          expect(planUpgrade({ ...asked, from }).steps).toEqual(steps.slice(at + 1));
        }
      }),
      { numRuns: 500 },
    );
  });
});
