import { createCodec } from '../codec/create-codec.ts';
import type { Codec } from '../codec/port.ts';
import { SchemaRegistry } from '../codec/registry.ts';
import type { Log } from '../log/port.ts';
import { ConfluentApi } from './confluent-api.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { RegistryLog } from './registry-log.ts';
import { SchemaLearner } from './schema-learner.ts';
import { SubjectRegistrar } from './subject-registrar.ts';

export interface RegistryOptions extends RegistryConnection {
  /** Whose topics get schemas. */
  readonly namespace: string;
}

/** The two belong together: the codec knows the ids that the wrapped log has met. */
export interface OpenRegistry {
  /** Writes the registry's ids in place of the repository's. */
  readonly codec: Codec;
  readonly wrap: (log: Log) => Log;
}

/**
 * Sends nothing yet: the first topic ensured or record read does. Errors: USAGE (not a URL of a registry); the log's
 * methods then also reject with REGISTRY_UNREACHABLE (retriable, after retries), REGISTRY_NOT_AUTHORIZED,
 * REGISTRY_INCOMPATIBLE, REGISTRY_SUBJECT_MISSING, REGISTRY_REFUSED and REGISTRY_NOT_CONFLUENT.
 */
export function openRegistry(options: RegistryOptions): OpenRegistry {
  const api = new ConfluentApi(options);
  const registry = SchemaRegistry.learning();
  const learner = new SchemaLearner(api, registry);
  return {
    codec: createCodec(registry),
    wrap: (log) => new RegistryLog(log, new SubjectRegistrar(api, registry, options.namespace), learner),
  };
}
