import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = join(import.meta.dirname, '..', '..');
export const MANIFESTS = join(ROOT, 'deploy', 'kubernetes');

export function textOf(...path: string[]): string {
  return readFileSync(join(ROOT, ...path), 'utf8');
}

export const packageJson = JSON.parse(textOf('package.json')) as {
  readonly version: string;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly user?: string;
  readonly container_name?: string;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** As compose has it when no variable is set: `${NAME:-default}` is its default. */
export function readCompose(): ComposeFile {
  const text = textOf('docker-compose.yml').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
  return parse(text, { merge: true }) as ComposeFile;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom: readonly {
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string; readonly optional?: boolean };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly resources: { readonly requests: Readonly<Record<string, string>>; readonly limits: { memory?: string } };
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsNonRoot: boolean; readonly runAsUser: number };
  readonly automountServiceAccountToken: boolean;
  readonly volumes: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function manifestFiles(): string[] {
  return readdirSync(MANIFESTS).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
}

export function readManifests(file: string): Manifest[] {
  return parseAllDocuments(textOf('deploy', 'kubernetes', file)).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join('; ')}`);
    return document.toJS() as Manifest;
  });
}

export function podTemplateOf({ kind, spec }: Manifest): PodTemplate | undefined {
  if (kind === 'CronJob')
    return (spec as { jobTemplate: { spec: { template: PodTemplate } } }).jobTemplate.spec.template;
  return (spec as { template?: PodTemplate } | undefined)?.template;
}

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The Dockerfile's instructions, continued lines joined. */
export function readDockerfile(): Instruction[] {
  const lines = textOf('Dockerfile').split('\n');
  const joined = lines.filter((line) => !line.startsWith('#')).join('\n');
  return joined
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      if (name === '') throw new Error(`The Dockerfile has no instruction in: ${line}`);
      return { name, text };
    });
}

/** `ENV` of the image. */
export function imageEnvironment(): Record<string, string> {
  const texts = readDockerfile().flatMap(({ name, text }) => (name === 'ENV' ? text.split(/\s+/) : []));
  return Object.fromEntries(
    texts.map((text): [string, string] => [text.split('=')[0] ?? '', text.split('=')[1] ?? '']),
  );
}

export function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}
