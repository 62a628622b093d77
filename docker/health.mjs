/**
 * Health check: status 0 if a port of skewgate answers. The address is in SKEWGATE_HEALTH. Neither way is a
 * handshake, and neither leaves a record in the decision log:
 *   tcp://127.0.0.1:8700    a connection is opened and closed without a byte, and the gate closes its side too
 *   http://127.0.0.1:8701/  a WebSocket port answers a plain GET with 426
 * A port with `assume` is none to ask: whatever connects there is a client.
 */
import net from 'node:net';

const DEADLINE_MS = 2_000;
const { SKEWGATE_HEALTH: address = '' } = process.env;

async function askHttp() {
  const { status } = await fetch(address, { signal: AbortSignal.timeout(DEADLINE_MS) });
  if (status !== 426) throw new Error(`status ${status} instead of 426`);
}

function askTcp({ hostname, port }) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => socket.end());
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('it does not close its side')));
    socket.on('data', () => socket.destroy(new Error('another program speaks there')));
    socket.on('error', reject);
    socket.on('close', resolve);
  });
}

try {
  const url = new URL(address);
  await (url.protocol === 'tcp:' ? askTcp(url) : askHttp());
} catch (error) {
  console.error(`${address}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
