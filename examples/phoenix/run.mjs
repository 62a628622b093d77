// A real Apache Phoenix behind the gate: 5.1.3, then 5.2.0, and the one-time upgrade run by Phoenix itself. Each step
// says what was asked, what Phoenix says by itself, and what the gate says, and ends with an error if that is not what
// README.md promises. Needs Maven and a JDK 17; leaves nothing behind but what Maven downloaded.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const here = import.meta.dirname;
const run = promisify(execFile);
const PACKAGES = 'lang lang.reflect nio util util.concurrent io net'
  .split(' ')
  .map((name) => `java.base/java.${name}`);
const OPENS = [
  ...PACKAGES,
  'java.base/sun.nio.ch',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.misc',
];
const JVM = [
  '-XX:+UseSerialGC',
  '-Djava.net.preferIPv4Stack=true',
  ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];

for (const tool of ['mvn', 'javac'])
  try {
    execFileSync('which', [tool], { stdio: 'ignore' });
  } catch {
    console.log(`skipped: ${tool} is not installed; the example needs Maven and a JDK 17`);
    process.exit(process.env.CI === 'true' ? 1 : 0);
  }

/** Of a run that could not fetch what it needs: nothing was seen, good or bad. */
const NOT_FETCHED = 75;
/** How long a refused client is looked at. */
const REFUSED_MS = 10_000;
/** Maven could not give what is needed. */
class NotFetched extends Error {}

const work = await mkdtemp(path.join(os.tmpdir(), 'phoenix-'));
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(1);
  });
let status = 0;
try {
  await play();
  console.log('all steps passed');
} catch (error) {
  status = error instanceof NotFetched ? NOT_FETCHED : 1;
  console.error(error);
  for (const name of ['gate', 'query', 'hbase'])
    console.error(
      name,
      (await readFile(path.join(work, `${name}.log`), 'utf8').catch(() => '')).slice(-2_000),
    );
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
process.exit(status);

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries again until it does not throw, 90 s long at most. */
async function eventually(what, act) {
  const end = Date.now() + 90_000;
  for (;;)
    try {
      return await act();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error.message}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
}

/** The class path of a release, from Maven, with the programs of this folder compiled against it. */
async function release(name, programs) {
  const folder = path.join(work, name);
  await mkdir(folder);
  await copyFile(path.join(here, `pom-${name}.xml`), path.join(folder, 'pom.xml'));
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath';
  const options = { cwd: folder, timeout: 600_000 };
  await run('mvn', ['-q', '-B', plugin, '-Dmdep.outputFile=cp.txt'], options).catch((error) => {
    throw new NotFetched(`Maven: ${error.stdout || error.message}`);
  });
  const jars = (await readFile(path.join(folder, 'cp.txt'), 'utf8')).trim().split(':');
  // The query server has a Jetty of its own, which has to be found before HBase's.
  jars.sort((a, b) => b.includes('phoenix-queryserver') - a.includes('phoenix-queryserver'));
  const files = programs.map((program) => path.join(here, `${program}.java`));
  await run('javac', ['-nowarn', '-d', folder, '-cp', jars.join(':'), ...files], options);
  return [path.join(work, 'conf'), folder, ...jars].join(':');
}

async function start(name, command, args) {
  const log = await open(path.join(work, `${name}.log`), 'a');
  const child = spawn(command, args, { stdio: ['ignore', log.fd, log.fd] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await log.close();
  return child;
}

async function stop(child) {
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await over;
  clearTimeout(timer);
}

async function play() {
  const [zk, query, old, next, hook] = await Promise.all(Array.from({ length: 5 }, freePort));
  const settings = {
    'hbase.rootdir': `file://${work}/hbase`,
    'hbase.tmp.dir': `${work}/tmp`,
    'hbase.zookeeper.quorum': '127.0.0.1',
    'hbase.zookeeper.property.clientPort': zk,
    'hbase.cluster.distributed': true,
    'hbase.unsafe.stream.capability.enforce': false,
    'hbase.wal.provider': 'filesystem',
    'hbase.master.port': 0,
    'hbase.regionserver.port': 0,
    'hbase.master.info.port': -1,
    'hbase.regionserver.info.port': -1,
    'hbase.master.ipc.address': '127.0.0.1',
    'hbase.regionserver.ipc.address': '127.0.0.1',
    'phoenix.queryserver.http.port': query,
    'phoenix.queryserver.jmxjsonendpoint.disabled': true,
    'phoenix.autoupgrade.enabled': false,
  };
  const properties = Object.entries(settings).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  await mkdir(path.join(work, 'conf'));
  await writeFile(
    path.join(work, 'conf/hbase-site.xml'),
    `<configuration>${properties.join('')}</configuration>`,
  );
  await copyFile(path.join(here, 'log4j.properties'), path.join(work, 'conf/log4j.properties'));

  console.log('fetching Phoenix 5.1.3 and 5.2.0 with Maven (the first time takes minutes)');
  const cp = {
    5.1: await release('5.1', ['Node', 'Sql', 'Level']),
    5.2: await release('5.2', ['Node', 'Sql', 'Level']),
    thin: await release('thin', ['Sql']),
  };
  const java = (which, heap = '256m') => [`-Xmx${heap}`, ...JVM, '-cp', cp[which]];
  const ask = (args, timeout = 200_000) =>
    run('java', args, { timeout }).then(
      ({ stdout }) => stdout.trim(),
      ({ stdout }) => stdout.trim() || 'no answer',
    );
  const thick = (which, statement) => ask([...java(which), 'Sql', `jdbc:phoenix:127.0.0.1:${zk}`, statement]);
  const thin = (port, statement, timeout) => {
    const url = `jdbc:phoenix:thin:url=http://127.0.0.1:${port};serialization=PROTOBUF`;
    return ask([...java('thin'), 'Sql', url, statement], timeout);
  };
  /** One that the gate refuses comes again at once, thousands of times a second, until it is ended. */
  const refused = (statement) => thin(next, statement, REFUSED_MS);
  const level = () => ask([...java('5.2'), 'Level']);
  const hbase = (which) => start('hbase', 'java', [...java(which, '700m'), 'Node']);
  /** What the query server runs, as the gate asks for it. */
  let running = '';
  const startQuery = async (which) => {
    const main = 'org.apache.phoenix.queryserver.server.QueryServer';
    const server = await start('query', 'java', [...java(which, '400m'), main]);
    await eventually('the query server', async () =>
      assert.match(await thin(query, 'SELECT 1'), /^row 1$|UpgradeRequired/),
    );
    running = which;
    return server;
  };
  const say = (what, answer) => console.log(`  ${what}: ${answer.split('\n')[0].slice(0, 220)}`);
  const expect = (what, answer, pattern) => {
    say(what, answer);
    assert.match(answer, pattern, what);
  };

  console.log('1. everything on 5.1');
  await start('zookeeper', 'java', [
    ...java('5.2', '128m'),
    'org.apache.zookeeper.server.ZooKeeperServerMain',
    `${zk}`,
    `${work}/zk`,
  ]);
  let node = await hbase('5.1');
  await eventually('HBase', async () => assert.equal(await thick('5.1', 'EXECUTE UPGRADE'), 'done'));
  await thick('5.1', 'CREATE TABLE SHOP (ID INTEGER PRIMARY KEY, NAME VARCHAR)');
  await thick('5.1', "UPSERT INTO SHOP VALUES (1, 'tea')");
  let queryServer = await startQuery('5.1');

  let upgrades = 0;
  let state = 'running';
  const upgrade = async () => {
    upgrades++;
    const answer = await thick('5.2', 'EXECUTE UPGRADE');
    say('the hook, EXECUTE UPGRADE by a thick client of 5.2', answer);
    // A query server remembers for good that its system tables were too old when it first looked.
    await stop(queryServer);
    queryServer = await startQuery('5.2');
    state = answer === 'done' ? 'done' : 'failed';
  };
  http
    .createServer((request, response) => {
      request.resume();
      if (request.url === '/version') return response.end(`${running}.0`);
      if (upgrades === 0) void upgrade().catch(() => (state = 'failed'));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ state }));
    })
    .listen(hook, '127.0.0.1');

  const config = {
    listen: [
      { tcp: `127.0.0.1:${old}`, assume: '5.1.3' },
      { tcp: `127.0.0.1:${next}`, assume: '5.2.0' },
    ],
    servers: [
      {
        id: 'qs1',
        address: `tcp://127.0.0.1:${query}`,
        version: { http: `http://127.0.0.1:${hook}/version` },
      },
    ],
    migration: {
      ledger: 'sqlite:ledger.db',
      baseline: '5.1.0',
      hook: { http: `http://127.0.0.1:${hook}/`, timeout: '3m' },
      check: { command: ['java', ...java('5.2'), 'Level'], timeout: '1m' },
      hold: { deadline: '3m' },
    },
    timeouts: { dial: '20s', probe: '30s', fresh: '1s', hold: '1m' },
    log: { file: 'decisions.ndjson' },
  };
  await writeFile(path.join(work, 'gate.yaml'), JSON.stringify(config));
  const cli = path.resolve(here, '../../src/cli/skewgate.cjs');
  const gate = await start('gate', process.execPath, [cli, 'serve', path.join(work, 'gate.yaml')]);
  await eventually('the gate', () => thin(old, 'SELECT 1').then((answer) => assert.equal(answer, 'row 1')));
  const records = async () =>
    (await readFile(path.join(work, 'decisions.ndjson'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const lastDecision = async (client) => {
    const { code, message, vendorCode, sqlState } = (await records()).findLast(
      (record) => record.event === 'handshake' && record.client === client,
    );
    return `${code} (vendor code ${vendorCode}, SQLState ${sqlState}): ${message}`;
  };
  const select = 'SELECT NAME FROM SHOP';
  expect('thin 5.1 through the gate', await thin(old, select), /^row tea$/);
  expect('Phoenix to a thick client of 5.2', await thick('5.2', select), /^vendor code 2007, SQLState INT09/);
  await refused(select);
  expect(
    'the gate to a thin client of 5.2',
    await lastDecision('5.2.0'),
    /^SERVER_OUTDATED \(vendor code 2007, SQLState INT09\)/,
  );

  console.log('2. HBase, with Phoenix in it, goes to 5.2');
  await stop(node);
  node = await hbase('5.2');
  await eventually('HBase', async () => assert.equal(await thick('5.1', select), 'row tea'));
  expect('thin 5.1 through the gate', await thin(old, select), /^row tea$/);
  expect('Phoenix to a thick client of 5.2', await thick('5.2', select), /^vendor code 2011, SQLState INT13/);
  await refused(select);
  expect('the gate to a thin client of 5.2', await lastDecision('5.2.0'), /^SERVER_OUTDATED/);

  console.log('3. the query server goes to 5.2');
  await stop(queryServer);
  queryServer = await startQuery('5.2');
  expect('SYSTEM.CATALOG is at level', await level(), /^33$/);
  expect('thin 5.1 at the query server', await thin(query, select), /UpgradeRequiredException/);

  console.log('4. two clients of 5.2 come at once');
  const [one, two] = await Promise.all([thin(next, select), thin(next, select)]);
  expect('the first', one, /^row tea$/);
  expect('the second', two, /^row tea$/);
  assert.equal(upgrades, 1);
  expect('SYSTEM.CATALOG is at level', await level(), /^38$/);
  const permitted = (await records()).findLast(
    ({ event, client }) => event === 'handshake' && client === '5.2.0',
  );
  assert.equal(permitted.observed.level, 38);

  console.log('5. afterwards');
  expect('thin 5.1 through the gate', await thin(old, select), /^row tea$/);
  expect('thick 5.1', await thick('5.1', select), /^row tea$/);
  expect('EXECUTE UPGRADE again', await thick('5.2', 'EXECUTE UPGRADE'), /^vendor code 2012, SQLState INT14/);
  await stop(gate);
  await stop(queryServer);
  await stop(node);
}
