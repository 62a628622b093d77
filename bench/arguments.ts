/** The command line of the bench. */
import { parseArgs } from 'node:util';

export interface Arguments {
  /** Names of experiments, or beginnings of them; none: all. */
  readonly names: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  /** Where to write JSON; null: nowhere. */
  readonly json: string | null;
  /** Whether docs/performance.md gets the tables and pictures. */
  readonly write: boolean;
  /** How long a soak lasts. */
  readonly minutes: number;
  /** Where pictures, and what a soak saw, are written. */
  readonly out: string;
}

export const USAGE = `npm run bench [-- NAME…] [--rounds N] [--quick] [--json FILE] [--write]
npm run bench -- soak [--minutes N] [--out FOLDER]
npm run bench -- profile [--out FOLDER]

  NAME       an experiment or picture, or the beginning of several: bulk, sessions …; default: all
  --rounds   how often each is measured; default: 5
  --quick    one short round of each: shows that everything works, its figures mean nothing
  --json     also write every value to this file
  --write    put tables and pictures into docs/performance.md; without NAMEs
  soak       mixed traffic for a long time: whether memory, descriptors or latency grow
  profile    where the time of a handshake goes in the gate, and its system calls beside HAProxy's; leaves a
             CPU profile and a flame graph in the folder
  --minutes  how long; default: 120
  --out      folder for pictures and what a soak saw; default: bench-results`;

/** null: only help is wanted. @throws {Error} naming what is wrong */
export function readArguments(argv: readonly string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'string' },
      minutes: { type: 'string', default: '120' },
      out: { type: 'string', default: 'bench-results' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: a whole number from 1 on');
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error('--minutes: a number above 0');
  const { quick, json = null, out, write } = values;
  if (write && (quick || positionals.length > 0))
    throw new Error('--write: neither with --quick nor with names');
  return { names: positionals, rounds, quick, json, minutes, out, write };
}
