/** `/v1/access`: what whoever asks may do here. The page shows no more than that. */
import { z } from 'zod';
import { ROLES } from '../../config/admin.ts';
import { ACCESS, isChange, suffices } from '../access.ts';
import type { App } from '../context.ts';
import type { Guard } from '../guard.ts';

const access = z
  .object({
    reading: z.boolean().describe('whether the gate answers questions of whoever asks this'),
    name: z.string().nullable().describe('of the token that was sent; null: it has none, or none was sent'),
    role: z.enum(ROLES).nullable().describe('null: no token was sent'),
    acts: z.array(z.string()).describe('paths that may be posted to and change something'),
  })
  .meta({ id: 'Access' });

/** Adds it. */
export function addAccess(app: App, guard: Guard): void {
  app.get(
    '/v1/access',
    {
      schema: {
        operationId: 'getAccess',
        summary: 'What whoever asks may do here: the role of the token that is sent, if any.',
        tags: ['see'],
        response: { 200: access },
      },
    },
    async (request, reply) => {
      const holder = await guard.who(request, reply);
      const { name = null, role = null } = holder ?? {};
      return { reading: holder !== null || !guard.isReadingGuarded, name, role, acts: actsOf(role) };
    },
  );
}

function actsOf(role: (typeof ROLES)[number] | null): string[] {
  if (role === null) return [];
  return Object.entries(ACCESS)
    .filter(([, access]) => isChange(access) && suffices(role, access))
    .map(([route]) => route.split(' ')[1] as string);
}
