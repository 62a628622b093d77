import { createTcpTransport } from '../../src/transport/tcp.ts';
import { describeTransport } from './contract.ts';
import { describeSockets } from './sockets.ts';

describeTransport('tcp', () => ({
  transport: createTcpTransport(),
  address: '127.0.0.1:0',
  bulk: 32 * 1_048_576,
}));
describeSockets('tcp', createTcpTransport());
