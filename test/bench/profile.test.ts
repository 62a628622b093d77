/** The sums of a CPU profile: every sample counts once, for what it belongs to, within the time that was asked for. */
import { expect, test } from 'vitest';
import { drawFlame } from '../../bench/pictures/flame.ts';
import { flameOf, selfTimes } from '../../bench/profile.ts';

const frame = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url } });

const PROFILE = {
  startTime: 1_000,
  nodes: [
    frame(1, '(idle)'),
    frame(2, 'writeBuffer'),
    frame(3, 'internalConnect', 'node:net'),
    frame(4, 'onconnection', 'node:net'),
    frame(5, 'run', 'file:///skewgate/dist/gateway/admission.js'),
    frame(6, 'pack', 'file:///skewgate/node_modules/msgpackr/pack.js'),
  ],
  samples: [5, 1, 2, 3, 4, 5, 6, 5],
  timeDeltas: [10, 100, 20, 30, 40, 50, 60, 5_000],
};

test('self times are added up by their owner; idle time and what lies outside the time are not', () => {
  const times = [...selfTimes(PROFILE, 1_050, 1_400)];
  expect(times.map(([, time]) => time)).toEqual([50, 40, 50, 60]);
  expect(times.map(([owner]) => owner)).toEqual([
    expect.stringContaining('system calls'),
    "Node's `net`",
    '`src/gateway`',
    'library msgpackr',
  ]);
});

test('a flame graph holds the time of each function with all that it called, and none that was idle', () => {
  const root = { ...frame(10, '(root)'), children: [1, 5] };
  const nodes = [
    root,
    ...PROFILE.nodes.map((node) => (node.id === 5 ? { ...node, children: [2, 3, 4, 6] } : node)),
  ];
  const flame = flameOf({ ...PROFILE, nodes }, 1_050, 1_400);
  expect(flame).toMatchObject({ name: '(root)', value: 200 });
  expect(flame.children).toMatchObject([
    {
      name: 'run gateway/admission.js',
      value: 200,
      children: [{ value: 20 }, { value: 30 }, { value: 40 }, { value: 60 }],
    },
  ]);
  const picture = drawFlame(flame, 'A <title>', () => 'own');
  expect(picture).toContain('run gateway/admission.js: 100.0 %');
  expect(picture).not.toMatch(/NaN|Infinity|undefined|<title>A </);
});
