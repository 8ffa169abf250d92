import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { globalFlags } from '../../src/cli/definitions/global.ts';
import { topicNames } from '../../src/log/topics.ts';
import { processorGroup } from '../../src/processors/embedding-task.ts';
import { knownVariables, parseCommandLine } from '../command-lines.ts';
import {
  imageEnvironment,
  MANIFESTS,
  manifestFiles,
  packageJson,
  podTemplateOf,
  readManifests,
  textOf,
  type Container,
  type Manifest,
} from './files.ts';
import { manifestFaults } from './schemas.ts';

const SECRET_EXAMPLE = 'secret.example.yaml';
const manifests = manifestFiles().flatMap((file) => readManifests(file).map((manifest) => ({ file, manifest })));
const config = one('ConfigMap');
const secret = one('Secret');
/** What the pods get, the Secret's values being dummies of the right kind. */
const environment = { ...imageEnvironment(), ...config.data, ...secret.stringData };

const pods = manifests.flatMap(({ manifest }) => {
  const template = podTemplateOf(manifest);
  const container = template?.spec.containers[0];
  return template === undefined || container === undefined ? [] : [{ manifest, template, container }];
});
const named = pods.map((pod) => [`${pod.manifest.kind} ${pod.manifest.metadata.name}`, pod] as const);
const followers = named.filter(([, { container }]) => container.args.includes('--follow'));

function one(kind: string): Manifest {
  const found = manifests.filter(({ manifest }) => manifest.kind === kind);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`There must be one ${kind}, not ${found.length}.`);
  return first.manifest;
}

function optionsOf(container: Container): Readonly<Record<string, unknown>> {
  return parseCommandLine(container.args, environment).options;
}

function podsLabelled(labels: Readonly<Record<string, string>>): number {
  return pods.filter(({ template }) =>
    Object.entries(labels).every(([name, value]) => template.metadata.labels[name] === value),
  ).length;
}

describe('deploy/kubernetes', () => {
  it.each(manifests.map(({ file, manifest }) => [file, manifest.kind, manifest] as const))(
    '%s: %s is valid by its schema',
    (_, __, manifest) => {
      expect(manifestFaults(manifest)).toEqual([]);
    },
  );

  it('is checked strictly: an unknown key, a wrong type and an unknown kind are found', () => {
    const deployment = pods.find(({ manifest }) => manifest.kind === 'Deployment')!.manifest;
    expect(manifestFaults({ ...deployment, spec: { ...deployment.spec, replica: 1 } } as Manifest).join()).toContain(
      'replica',
    );
    expect(manifestFaults({ ...one('ScaledObject'), spec: { maxReplicaCount: '8' } } as Manifest)).not.toEqual([]);
    expect(manifestFaults({ kind: 'Deploiment' })).not.toEqual([]);
  });

  it('is applied whole by kustomize, but for the example of a Secret', () => {
    const kustomization = parse(textOf('deploy', 'kubernetes', 'kustomization.yaml')) as {
      readonly resources: readonly string[];
      readonly images: readonly { readonly name: string; readonly newTag: string }[];
    };
    const files = readdirSync(MANIFESTS).filter((name) => !['kustomization.yaml', SECRET_EXAMPLE].includes(name));
    expect([...kustomization.resources].sort()).toEqual(files.sort());
    expect(kustomization.images).toEqual([
      expect.objectContaining({ name: 'embedstream', newTag: packageJson.version }),
    ]);
  });

  it.each(named)('%s: its command line and environment are those of the program', (_, { container }) => {
    expect(parseCommandLine(container.args, environment).problems).toEqual([]);
  });

  it('sets only variables that the program reads, and no real secret', () => {
    const known = knownVariables();
    const names = [...Object.keys(config.data ?? {}), ...Object.keys(secret.stringData ?? {})];
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(config.data ?? {}).filter((name) => /PASSWORD|SECRET|PASSPHRASE|TOKEN/.test(name))).toEqual([]);
    for (const [name, value] of Object.entries(secret.stringData ?? {}))
      if (/PASSWORD|SECRET|PASSPHRASE|USERNAME/.test(name)) expect(value, name).toBe('CHANGE-ME');
  });

  it.each(named)('%s: one version of the image, without privileges, with the shared configuration', (_, pod) => {
    const { container, template } = pod;
    expect(container.image).toBe(`embedstream:${packageJson.version}`);
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(template.spec.automountServiceAccountToken).toBe(false);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.envFrom).toEqual([
      { configMapRef: { name: config.metadata.name } },
      { secretRef: { name: secret.metadata.name, optional: true } },
    ]);
    expect(container.resources.requests).toHaveProperty('memory');
    expect(container.resources.limits).toHaveProperty('memory');
  });

  it.each(named)('%s: a stop has time to be clean', (_, { template }) => {
    const longest = globalFlags.sessionTimeout.default + globalFlags.transactionTimeout.default;
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(longest);
  });

  it.each(named)('%s: mounts volumes that there are', (_, { container, template }) => {
    const volumes = template.spec.volumes.map(({ name }) => name).sort();
    expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes);
    const claims = template.spec.volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
    const declared = manifests
      .filter(({ manifest }) => manifest.kind === 'PersistentVolumeClaim')
      .map(({ manifest }) => manifest.metadata.name);
    expect(declared).toEqual(expect.arrayContaining(claims));
  });

  it.each(followers)('%s: its probes ask the metrics port, which is open to them', (_, { container }) => {
    const { metricsPort, metricsHost } = optionsOf(container);
    expect(container.ports).toEqual([{ name: 'metrics', containerPort: metricsPort }]);
    expect(metricsHost).toBe('0.0.0.0');
    expect(container.startupProbe?.httpGet).toEqual({ path: '/health/live', port: 'metrics' });
    expect(container.livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'metrics' });
    expect(container.readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'metrics' });
  });

  it('scales a processor by the lag of its own group, up to the partitions', () => {
    const scaled = manifests.filter(({ manifest }) => manifest.kind === 'ScaledObject');
    expect(scaled.length).toBeGreaterThan(0);
    const produce = pods.find(({ container }) => container.args[0] === 'produce')!;
    for (const { manifest } of scaled) {
      const spec = manifest.spec as {
        readonly scaleTargetRef: { readonly name: string };
        readonly maxReplicaCount: number;
        readonly triggers: readonly { readonly type: string; readonly metadata: Readonly<Record<string, string>> }[];
      };
      const target = pods.find((pod) => pod.manifest.metadata.name === spec.scaleTargetRef.name)!;
      expect(target.manifest.spec).not.toHaveProperty('replicas');
      const { namespace, model } = optionsOf(target.container) as { namespace: string; model: readonly string[] };
      expect(spec.triggers).toHaveLength(1);
      expect(spec.triggers[0]).toEqual({
        type: 'kafka',
        metadata: {
          bootstrapServersFromEnv: 'KAFKA_BROKERS',
          consumerGroup: processorGroup(namespace, model[0]!),
          topic: topicNames(namespace).records,
          lagThreshold: expect.stringMatching(/^[1-9]\d*$/) as string,
          offsetResetPolicy: 'earliest',
        },
      });
      expect(spec.maxReplicaCount).toBe(optionsOf(produce.container)['partitions']);
    }
  });

  it('finds pods by the labels that they have', () => {
    for (const { manifest } of pods.filter(({ manifest: { kind } }) => kind === 'Deployment')) {
      const { selector } = manifest.spec as { selector: { matchLabels: Record<string, string> } };
      expect(podsLabelled(selector.matchLabels), manifest.metadata.name).toBe(1);
    }
    const budgets = manifests.filter(({ manifest }) => manifest.kind === 'PodDisruptionBudget');
    for (const { manifest } of budgets) {
      const { selector } = manifest.spec as { selector: { matchLabels: Record<string, string> } };
      expect(podsLabelled(selector.matchLabels), manifest.metadata.name).toBe(1);
    }
  });

  it('lets reconcile see the shards where the sink writes them, read-only', () => {
    const sink = pods.find(({ container }) => container.args[0] === 'sink')!;
    const reconcile = pods.find(({ container }) => container.args[0] === 'reconcile')!;
    const vectors = (container: Container): { mountPath: string; readOnly?: boolean } =>
      container.volumeMounts.find(({ name }) => name === 'vectors')!;
    expect(vectors(sink.container).mountPath).toBe(optionsOf(sink.container)['out']);
    expect(vectors(reconcile.container)).toMatchObject({
      mountPath: vectors(sink.container).mountPath,
      readOnly: true,
    });
    expect(reconcile.template.spec.volumes[0]).toEqual(sink.template.spec.volumes[0]);
    const affinity = JSON.stringify(reconcile.template.spec);
    expect(affinity).toContain(sink.template.metadata.labels['app.kubernetes.io/component']);
  });
});
