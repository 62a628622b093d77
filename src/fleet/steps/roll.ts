/** `roll: { to, servers, batch, pause, grace, health }` */
import { z } from 'zod';
import { duration, seconds } from '../../config/units.ts';
import { pause as pauseFor } from '../../ports/clock.ts';
import { name, version } from '../fleet-schema.ts';
import { type StepHandler, spellDuration, unknownName, WORK } from './step.ts';

const schema = z.strictObject({
  to: version.describe('the release that they are restarted on'),
  servers: z.array(name).min(1).optional().describe('these, in this order; absent: all'),
  batch: z.int().min(1).default(1).describe('servers that are restarted at once'),
  pause: duration.prefault('1s').describe('after each batch'),
  grace: duration.prefault('5s').describe('that sessions get to end on a server that leaves'),
  health: duration
    .optional()
    .describe('before the next batch, every gate has to see this one up within this time'),
});

type Roll = z.infer<typeof schema>;

/** Servers are restarted on another version. It stops, and says so, where a batch is not seen up in time. */
export const roll: StepHandler<Roll> = {
  about: 'servers are restarted on another version, a batch at a time',
  schema,
  problems: ({ servers = [] }, names) =>
    servers.flatMap((id, at) => unknownName(id, 'server', names.servers, ['servers', at])),
  describe({ to, servers, batch, pause, health }) {
    const what = servers === undefined ? 'the servers' : servers.join(', ');
    const check = health === undefined ? '' : `, each seen up within ${seconds(health)}`;
    return `roll ${what} to ${to}, ${batch} at a time${check}, ${seconds(pause)} in between`;
  },
  async perform(value, context) {
    const { fleet, nodes, field } = context;
    const { to, servers = fleet.serverIds, batch, pause, grace, health } = value;
    for (let at = 0; at < servers.length; at += batch) {
      const ids = servers.slice(at, at + batch);
      await nodes.restartOn(ids, to, grace);
      context.say(`${ids.join(', ')} on ${to}`);
      const found = health === undefined ? null : await nodes.awaitHealth(ids, to, health);
      if (found !== null) {
        const expected = `${ids.join(', ')} seen up on ${to} within ${(health ?? 0) / 1_000} s`;
        context.check({ field: `${field}.health`, expected, found, holds: false });
        return;
      }
      await pauseFor(fleet.clock, pause);
    }
  },
  longest: ({ servers, grace, pause, health = 0 }, fleet) =>
    (servers?.length ?? fleet.servers.count) * (grace + pause + health + WORK),
  moves: ({ to }) => ({ group: null, to }),
  leaves({ servers = [] }, { paused, dead }) {
    for (const id of servers) {
      paused.delete(id);
      dead.delete(id);
    }
  },
  spell: ({ pause, grace, health, ...rest }) => ({
    ...rest,
    pause: spellDuration(pause),
    grace: spellDuration(grace),
    ...(health !== undefined && { health: spellDuration(health) }),
  }),
  draw: (fc, { servers, versions }) => ({
    weight: 4,
    value: fc.record({
      to: fc.constantFrom(...versions),
      servers: fc.shuffledSubarray([...servers], { minLength: 1 }),
      batch: fc.constantFrom(1, 2),
      pause: fc.constant(500),
      grace: fc.constantFrom(0, 1_000),
    }),
  }),
};
