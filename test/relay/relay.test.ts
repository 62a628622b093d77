import { buffers, streams } from '../../src/relay/engine.ts';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { describeRelay } from './contract.ts';

const [tcp, ws] = [createTcpTransport(), createWsTransport()];

for (const engine of [streams, buffers]) {
  describeRelay(`${engine.name}, TCP to TCP`, () => ({ engine, clients: tcp, servers: tcp }));
  describeRelay(`${engine.name}, WebSocket to TCP`, () => ({ engine, clients: ws, servers: tcp }));
  describeRelay(`${engine.name}, TCP to WebSocket`, () => ({ engine, clients: tcp, servers: ws }));
}
