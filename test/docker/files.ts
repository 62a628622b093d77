/** The Docker files as data, compose's anchors and variables resolved. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const ROOT = new URL('../../', import.meta.url);

export const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

export interface Service {
  readonly image: string;
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly command: readonly string[];
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** `${NAME:-default}` becomes what `env` says, or its default. */
export function readCompose(env: Readonly<Record<string, string>> = {}): Compose {
  const text = read('docker/compose.yaml').replace(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => env[name] ?? otherwise,
  );
  const { services, volumes } = parse(text, { merge: true });
  const split = ({
    command,
    ...rest
  }: Omit<Service, 'command'> & { readonly command: string | readonly string[] }) => ({
    ...rest,
    command: typeof command === 'string' ? command.split(' ') : command,
  });
  const named = Object.entries(services as Record<string, Parameters<typeof split>[0]>).map(
    ([name, found]) => [name, split(found)],
  );
  return { services: Object.fromEntries(named), volumes };
}

export function service(compose: Compose, name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`compose.yaml has no service ${name}`);
  return found;
}

/** The value after `--name` in a command. */
export function option({ command }: Service, name: string): string {
  const value = command[command.indexOf(`--${name}`) + 1];
  if (!command.includes(`--${name}`) || value === undefined)
    throw new Error(`no --${name} in ${command.join(' ')}`);
  return value;
}

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Of the last stage, unless `stage` names another; lines that go on are joined. */
export function readDockerfile(): { readonly stages: ReadonlyArray<readonly Instruction[]> } {
  const instructions = read('docker/Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name, ...rest] = line.split(' ') as [string, ...string[]];
      return { name, text: rest.join(' ').trim() };
    });
  const stages: Instruction[][] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push([]);
    stages.at(-1)?.push(instruction);
  }
  return { stages };
}
