/**
 * Health check: status 0 if a WebSocket port of skewgate answers. A plain GET is answered with 426 by the
 * listener itself, so a check is no handshake and leaves no record in the decision log.
 * The address is in SKEWGATE_HEALTH, such as http://127.0.0.1:8701/.
 */
const address = process.env.SKEWGATE_HEALTH;
try {
  const { status } = await fetch(address, { signal: AbortSignal.timeout(2_000) });
  if (status !== 426) throw new Error(`status ${status} instead of 426`);
} catch (error) {
  console.error(`${address}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
