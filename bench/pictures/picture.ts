/** What a picture is: a chart of measurements that grow with something. */
import type { Lab } from '../lab.ts';
import type { Chart } from './chart.ts';

export interface Picture {
  /** Of its file. */
  readonly name: string;
  /** The machine lacks something: what; null: it can be drawn. */
  missing(): string | null;
  draw(lab: Lab): Promise<readonly Chart[]>;
}
