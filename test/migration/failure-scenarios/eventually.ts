/** Waits for what nobody announces, by looking again and again until a deadline. */
const DEADLINE = 12_000;
const LOOK_EVERY = 10;

export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadline = DEADLINE,
): Promise<void> {
  const limit = Date.now() + deadline;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`not within ${deadline / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
