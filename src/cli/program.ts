/** The root command: what holds for every command, and only those modules that the words of this call need. */
import { Command } from 'commander';
import { closestTo } from '../config/suggest.ts';
import { COMMANDS } from './registry.ts';

/** Reports a misspelt option before an option that is missing because of it. */
class StrictCommand extends Command {
  override createCommand(name?: string): StrictCommand {
    return new StrictCommand(name);
  }

  override parseOptions(args: string[]): ReturnType<Command['parseOptions']> {
    const parsed = super.parseOptions(args);
    const [first = ''] = parsed.unknown;
    const asksForHelp = parsed.unknown.some((word) => word === '-h' || word === '--help');
    // Words after a group of commands are for the command in it.
    if (this.commands.length === 0 && first.length > 1 && first.startsWith('-') && !asksForHelp) {
      const meant = closestTo(first, optionsOf(this));
      const hint = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
      this.error(`error: unknown option '${first}'${hint}`, { code: 'commander.unknownOption' });
    }
    return parsed;
  }
}

function optionsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
}

/** The one command that is about all of them. */
const ABOUT_ALL = 'completion';

/**
 * The program for these words. Commands that they do not name are listed, but not loaded.
 *
 * @param words what follows the program's name on the command line
 */
export async function createProgram(version: string, words: readonly string[]): Promise<Command> {
  const called = words.find((word) => !word.startsWith('-') && word !== 'help');
  const program = new StrictCommand('skewgate')
    .description('A version-aware proxy for fleets in the middle of an upgrade.')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .showHelpAfterError('(skewgate --help, or skewgate COMMAND --help, lists what there is)')
    .exitOverride();
  for (const { name, summary, load } of COMMANDS) {
    if (name === called || called === ABOUT_ALL) (await load())(program);
    else program.command(name);
    const command = program.commands.at(-1) as Command;
    command.summary(summary).exitOverride().copyInheritedSettings(program);
  }
  return program;
}
