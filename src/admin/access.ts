/**
 * What each route needs of whoever asks: the one table of it. The guard (guard.ts) goes by it, the document about the API
 * and docs/operating.md are made from it, and a gate does not start with a route that is not in it.
 */
import { ROLES, type Role } from '../config/admin.ts';

/** The least role that a route needs; `anybody`: it needs no token. */
export type Access = Role | 'anybody';

/** By method and path, as routes are added; HEAD goes with GET. */
export const ACCESS: Readonly<Record<string, Access>> = {
  'GET /': 'anybody',
  'GET /page/*': 'anybody',
  'GET /openapi.json': 'anybody',
  'GET /live': 'anybody',
  'GET /ready': 'anybody',
  'GET /metrics': 'anybody',
  'GET /v1/access': 'anybody',
  'GET /v1/cluster': 'viewer',
  'GET /v1/servers': 'viewer',
  'GET /v1/next': 'viewer',
  'GET /v1/what-if': 'viewer',
  'POST /v1/what-if': 'viewer',
  'GET /v1/clients': 'viewer',
  'GET /v1/sessions': 'viewer',
  'GET /v1/waiting': 'viewer',
  'GET /v1/decisions': 'viewer',
  'GET /v1/decisions/live': 'viewer',
  'GET /v1/refusals': 'viewer',
  'GET /v1/upgrade': 'viewer',
  'GET /v1/upgrade/history': 'viewer',
  'GET /v1/gates': 'viewer',
  'GET /v1/policy': 'viewer',
  'GET /v1/config': 'viewer',
  'GET /v1/audit': 'viewer',
  'GET /v1/charts': 'viewer',
  'GET /v1/orders': 'viewer',
  'POST /v1/pause': 'operator',
  'POST /v1/resume': 'operator',
  'POST /v1/drain': 'operator',
  'POST /v1/undrain': 'operator',
  'POST /v1/kick': 'operator',
  // Whoever is on call may stop an upgrade; letting one begin is another thing.
  'POST /v1/migration/block': 'operator',
  'POST /v1/migration/abort': 'operator',
  'POST /v1/migration/unblock': 'admin',
  'POST /v1/migration/approve': 'admin',
  'POST /v1/migration/retry': 'admin',
  'POST /v1/migration/accept-ledger': 'admin',
  'POST /v1/reload': 'admin',
};

/** What a route needs; undefined: it is not in the table. @param path as it was added, or was asked for */
export function accessOf(method: string, path: string): Access | undefined {
  const name = `${method === 'HEAD' ? 'GET' : method} ${path.startsWith('/page/') ? '/page/*' : path}`;
  return Object.hasOwn(ACCESS, name) ? ACCESS[name] : undefined;
}

/** Whether a role may do what needs `access`. */
export function suffices(role: Role, access: Access): boolean {
  return access === 'anybody' || ROLES.indexOf(role) >= ROLES.indexOf(access);
}

/** Whether what needs this changes something: reading needs a token only where tokens are stated. */
export function isChange(access: Access): boolean {
  return access === 'operator' || access === 'admin';
}

/** Markdown: what each role may ask for beyond those before it. */
export function accessTable(): string {
  const rows = (['anybody', ...ROLES] as const).map((role) => {
    const routes = Object.entries(ACCESS).filter(([, access]) => access === role);
    return `| ${role} | ${routes.map(([route]) => `\`${route}\``).join(', ')} |`;
  });
  return ['| who | may also ask for |', '| --- | --- |', ...rows].join('\n');
}
