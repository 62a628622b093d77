/** The error of a file that a person wrote: what is wrong with it, each with line and field. */

export interface Problem {
  /** 1 for the first; null where it concerns the whole file. */
  readonly line: number | null;
  /** `servers[1].address`; empty for the whole file. */
  readonly field: string;
  readonly message: string;
}

/** Problems that are shown of one file. A file of another kind is wrong in every line, and nobody reads them all. */
const SHOWN = 20;

/** A config, scenario or fleet is not what it has to be. The message has a line `FILE:LINE: FIELD: …` for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** At most 20. */
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const shown = problems.slice(0, SHOWN);
    const lines = shown.map(
      ({ line, field, message }) =>
        `${file}${line === null ? '' : `:${line}`}: ${field ? `${field}: ` : ''}${message}`,
    );
    if (problems.length > SHOWN)
      lines.push(`${file}: there is more; it is shown once the first ${SHOWN} are mended`);
    super(lines.join('\n'));
    this.problems = shown;
  }
}
