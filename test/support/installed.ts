/**
 * The package as another project has it: built from the sources as they are, with the files that package.json
 * publishes, in `FOLDER/node_modules/skewgate`. Tests need no `dist` for it, and none that is out of date.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** Returns the package's folder. `folder` itself becomes an ES module project. */
export async function installPackage(folder: string): Promise<string> {
  const installed = path.join(folder, 'node_modules', 'skewgate');
  await mkdir(installed, { recursive: true });
  const { files } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    files: string[];
  };
  await compile([
    '--project',
    path.join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    path.join(installed, 'dist'),
  ]);
  const published = ['package.json', ...files].filter(
    (file) => file !== 'dist' && existsSync(path.join(ROOT, file)),
  );
  for (const file of published)
    await cp(path.join(ROOT, file), path.join(installed, file), { recursive: true });
  await symlink(path.join(ROOT, 'node_modules'), path.join(installed, 'node_modules'));
  return installed;
}

/** @throws with what the compiler prints. */
export async function compile(args: readonly string[]): Promise<void> {
  await run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), ...args], {
    timeout: 60_000,
  }).catch((error) => {
    throw new Error(`tsc ${args.join(' ')}\n${error.stdout}${error.stderr}`);
  });
}
