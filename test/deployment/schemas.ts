import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** What a schema finds wrong with a document, a line a fault; none when it is valid. */
export type Faults = readonly string[];

// The schemas are those of Go programs: formats such as `int32` and `duration` are theirs.
const OPTIONS = { strict: false, validateFormats: false, allErrors: true } as const;

function load(name: string): object {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', name), 'utf8')) as object;
}

function faultsBy(validate: ValidateFunction, document: unknown): Faults {
  if (validate(document)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message ?? 'is wrong'} ${JSON.stringify(params)}`.trim(),
  );
}

const compose = new Ajv2020(OPTIONS).compile(load('compose-spec.json'));
const scaledObject = new Ajv(OPTIONS).compile(load('keda-scaledobject.json'));
const kubernetes = load('kubernetes.json') as {
  readonly $defs: Readonly<Record<string, object>>;
  readonly kinds: Readonly<Record<string, string>>;
};
const kinds = new Map<string, ValidateFunction>();

export function composeFaults(document: unknown): Faults {
  return faultsBy(compose, document);
}

export function manifestFaults(manifest: { readonly kind: string }): Faults {
  const { kind } = manifest;
  if (kind === 'ScaledObject') return faultsBy(scaledObject, manifest);
  const name = kubernetes.kinds[kind];
  if (name === undefined) return [`there is no schema for the kind ${kind}: add it to make_schemas.py`];
  const validate = kinds.get(kind) ?? new Ajv(OPTIONS).compile({ $ref: `#/$defs/${name}`, $defs: kubernetes.$defs });
  kinds.set(kind, validate);
  return faultsBy(validate, manifest);
}
