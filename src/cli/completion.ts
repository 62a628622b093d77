/** Completion scripts for shells, generated from the tree of commands, so that no script knows a word too few. */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command with the words that call it: `['skewgate', 'migration', 'status']`. */
interface Entry {
  readonly path: readonly string[];
  readonly command: Command;
}

/** A script for `shell` to source. @param program the root, with every command defined. */
export function completionScript(shell: Shell, program: Command): string {
  const entries = entriesOf(program, [program.name()]);
  if (shell === 'fish') return fishScript(program.name(), entries);
  const bash = bashScript(program.name(), entries);
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function entriesOf(command: Command, path: readonly string[]): Entry[] {
  const inner = command.commands.flatMap((child) => entriesOf(child, [...path, child.name()]));
  return [{ path, command }, ...inner];
}

function optionsOf(command: Command): Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long);
}

function bashScript(name: string, entries: readonly Entry[]): string {
  const calls = entries.slice(1).map(({ path }) => `'${path.join(' ')}'`);
  const words = entries.map(({ path, command }) => {
    const all = [
      ...command.commands.map((child) => child.name()),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      ...optionsOf(command).map(({ long }) => long),
    ];
    return `    '${path.join(' ')}') words='${all.join(' ')}' ;;`;
  });
  const values = entries.flatMap(({ path, command }) =>
    optionsOf(command)
      .filter(({ argChoices }) => argChoices !== undefined)
      .map(({ long, argChoices }) => `    '${path.join(' ')} ${long}') words='${argChoices?.join(' ')}' ;;`),
  );
  return [
    `_${name}() {`,
    `  local path=${name} words='' at`,
    '  for ((at = 1; at < COMP_CWORD; at++)); do',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is bash's own syntax
    '    case "$path ${COMP_WORDS[at]}" in',
    `      ${calls.join('|')}) path="$path \${COMP_WORDS[at]}" ;;`,
    '    esac',
    '  done',
    '  case "$path" in',
    ...words,
    '  esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is bash's own syntax
    '  case "$path ${COMP_WORDS[COMP_CWORD - 1]}" in',
    ...values,
    '  esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is bash's own syntax
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    `complete -o default -F _${name} ${name}`,
  ].join('\n');
}

function fishScript(name: string, entries: readonly Entry[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return entries
    .flatMap(({ path, command }) => {
      const seen = path.slice(1).map((word) => `__fish_seen_subcommand_from ${word}`);
      const here = quoted(seen.length === 0 ? '__fish_use_subcommand' : seen.join('; and '));
      const line = (words: string, about: string) =>
        `complete -c ${name} -n ${here} ${words} -d ${quoted(about)}`;
      return [
        ...command.commands.map((child) =>
          line(`-a ${child.name()}`, child.summary() || child.description()),
        ),
        ...optionsOf(command).map(({ long = '', required, argChoices, description }) => {
          const values = argChoices === undefined ? '' : ` -x -a ${quoted(argChoices.join(' '))}`;
          return line(`-l ${long.slice(2)}${values || (required ? ' -r' : '')}`, description);
        }),
      ];
    })
    .join('\n');
}
