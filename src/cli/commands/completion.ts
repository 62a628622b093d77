/** `skewgate completion`: a script with which a shell completes commands and options. */
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion.ts';

/** Defines `completion`. @param program with all other commands defined, once this one is called */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description(
      'Print a script that makes a shell complete commands and options. For bash: source <(skewgate completion bash); for zsh the same, after compinit; for fish: skewgate completion fish | source.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => console.log(completionScript(shell, program)));
}
