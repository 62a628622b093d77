/** npx node examples/driver.mjs 'skewgate://127.0.0.1:8700/?version=4.13.2&user=me' */
import { connect, RefusedError } from 'skewgate';

try {
  const session = await connect(process.argv[2], {
    onWait: ({ code, progress }) => console.log(`waiting: ${code} ${progress ?? ''}`),
  });
  console.log(`admitted by ${session.server.id} (${session.server.version}), rule ${session.decision.rule}`);
  session.end('hello\n');
  for await (const chunk of session) process.stdout.write(chunk);
} catch (error) {
  if (!(error instanceof RefusedError)) throw error;
  console.log(
    `refused: ${error.code}, ${error.move?.side} to ${error.move?.to}, transient: ${error.transient}`,
  );
  process.exitCode = 1;
}
