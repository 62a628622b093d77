/** The manifests in examples/kubernetes: valid by Kubernetes' own schemas, and true of the gate. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { parseHostPort } from '../../src/transport/address.ts';
import { tempFolder } from '../support/folder.ts';
import { lacking, PYTHON } from '../support/python.ts';

const FILE = fileURLToPath(new URL('../../examples/kubernetes/skewgate.yaml', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: the schemas are Kubernetes', and a test holds the file to them.
type Manifest = any;

const manifests = parseAllDocuments(readFileSync(FILE, 'utf8')).map((document): Manifest => document.toJS());
const ofKind = (kind: string): Manifest => manifests.find((manifest) => manifest.kind === kind);
const config = parseConfig(ofKind('ConfigMap').data['gate.yaml']);
const pod = ofKind('Deployment').spec.template.spec;
const [gate] = pod.containers;

/** Prints what is wrong; the schemas of every version of Kubernetes are in the package. */
function validate(file: string) {
  const script = 'import sys; from kubernetes_validate.__main__ import main; sys.exit(main())';
  return spawnSync(PYTHON, ['-c', script, '--strict', '--quiet', '--no-warn', file], { encoding: 'utf8' });
}

test.skipIf(lacking('kubernetes_validate') !== null)(
  "they are valid by Kubernetes' schemas, in which no key is unknown",
  () => {
    const { status, stdout, stderr } = validate(FILE);
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
    const broken = path.join(tempFolder(), 'broken.yaml');
    writeFileSync(broken, readFileSync(FILE, 'utf8').replace('maxUnavailable: 1\n', 'maxUnavailables: 1\n'));
    expect(validate(broken).status).not.toBe(0);
  },
);

test('there are a config, a deployment, a service and a budget of disruptions, for the same pods', () => {
  expect(manifests.map(({ kind }) => kind)).toEqual([
    'ConfigMap',
    'Deployment',
    'Service',
    'PodDisruptionBudget',
  ]);
  const { selector } = ofKind('Deployment').spec;
  expect(ofKind('Service').spec.selector).toEqual(selector.matchLabels);
  expect(ofKind('PodDisruptionBudget').spec.selector).toEqual(selector);
  expect(ofKind('Deployment').spec.template.metadata.labels).toEqual(selector.matchLabels);
});

test('ports and probes are those of the config', () => {
  const ports = new Map<string, number>(
    gate.ports.map(({ name, containerPort }: Manifest) => [name, containerPort]),
  );
  const portOf = (address: string | undefined) => parseHostPort(address as string).port;
  expect([...ports.values()]).toEqual([
    portOf(config.listen[0]?.tcp),
    portOf(config.listen[1]?.ws),
    portOf(config.admin?.listen),
  ]);
  expect(gate.readinessProbe.httpGet).toEqual({ path: '/ready', port: 'admin' });
  for (const probe of [gate.livenessProbe, gate.startupProbe])
    expect(probe.httpGet).toEqual({ path: '/live', port: 'admin' });
  const targets = ofKind('Service').spec.ports.map(({ targetPort }: Manifest) => targetPort);
  expect(targets).toEqual(['tcp', 'ws']);
});

test('a pod has the time that its gate needs to be found not ready, and to drain', () => {
  const { lameDuck, drain } = config.timeouts;
  const { periodSeconds, failureThreshold } = gate.readinessProbe;
  expect(lameDuck).toBeGreaterThan(1_000 * periodSeconds * failureThreshold);
  const pause = Number(parse(gate.lifecycle.preStop.exec.command[1]));
  expect(1_000 * pod.terminationGracePeriodSeconds).toBeGreaterThan(1_000 * pause + lameDuck + drain);
});

test('the gate runs as nobody in particular, and writes only where a volume is', () => {
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(gate.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(config.admin?.tokens.map(({ env }) => env)).toEqual(gate.env.map(({ name }: Manifest) => name));
  expect(config.log.file).toBeUndefined();
  expect(config.migration.ledger).toMatch(/^etcd:/);
});
