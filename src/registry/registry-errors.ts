import { fatalError, PipelineError } from '../errors.ts';

const MAX_WHY_CHARS = 1000;

/** None of them is a record's fault: a registry that fails stops the run, it makes no dead letter. */

export function registryUnreachable(where: string, what: string, reason: string, cause?: unknown): PipelineError {
  return new PipelineError(
    'REGISTRY_UNREACHABLE',
    `The schema registry at ${where} did not answer ${what}: ${reason}. Start it, or check --schema-registry.`,
    { retriable: true, cause },
  );
}

export function registryNotAuthorized(where: string, what: string, status: number, cause?: unknown): PipelineError {
  return fatalError(
    'REGISTRY_NOT_AUTHORIZED',
    `The schema registry at ${where} refuses ${what} (${status}): ` +
      (status === 401
        ? 'check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD.'
        : 'give this user the right to do it.'),
    cause,
  );
}

export function registryRefused(where: string, what: string, reason: string, cause?: unknown): PipelineError {
  return fatalError('REGISTRY_REFUSED', `The schema registry at ${where} refuses ${what}: ${reason}.`, cause);
}

export function notARegistry(where: string, what: string, reason: string, cause?: unknown): PipelineError {
  return fatalError(
    'REGISTRY_NOT_CONFLUENT',
    `What answers ${what} at ${where} does not speak the Confluent registry API: ${reason}. Check the path of ` +
      '--schema-registry (Apicurio has the API at /apis/ccompat/v7).',
    cause,
  );
}

export function schemaIncompatible(
  where: string,
  subject: string,
  name: string,
  why: readonly string[],
): PipelineError {
  return fatalError(
    'REGISTRY_INCOMPATIBLE',
    `This version's ${name} can't read what subject "${subject}" at ${where} has as its latest schema (BACKWARD): ` +
      `${why.join('; ').slice(0, MAX_WHY_CHARS)}. Nothing was written. Use a release of ` +
      'embedstream whose schemas are compatible, or another --namespace.',
  );
}

/** Another process has registered another version in between, or the registry has rules of its own. */
export function schemaConflict(where: string, what: string, reason: string, cause?: unknown): PipelineError {
  return fatalError(
    'REGISTRY_INCOMPATIBLE',
    `The schema registry at ${where} refuses ${what}: ${reason}. Use a release of embedstream whose schemas are ` +
      'compatible, or another --namespace.',
    cause,
  );
}

export function subjectMissing(where: string, topic: string, subject: string): PipelineError {
  return fatalError(
    'REGISTRY_SUBJECT_MISSING',
    `Topic "${topic}" holds records, but the schema registry at ${where} has no subject "${subject}": they were ` +
      'written without this registry, or it has lost its schemas, so that their ids mean nothing or something else. ' +
      'Use the registry that they were written with (or none), or another --namespace.',
  );
}
