import type { SchemaName, SchemaRegistry } from '../codec/registry.ts';
import { whyUnreadable } from '../codec/schema-resolution.ts';
import type { ConfluentApi } from './confluent-api.ts';
import { schemaIncompatible, subjectMissing } from './registry-errors.ts';
import { schemaOfTopic, subjectOf } from './subjects.ts';

/** Levels that promise at least what BACKWARD does: who has chosen a stricter one keeps it. */
const AS_STRICT: ReadonlySet<string> = new Set(['BACKWARD', 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']);

interface Subject {
  readonly topic: string;
  readonly subject: string;
  readonly name: SchemaName;
}

interface State {
  readonly present: boolean;
  /** Where the subject has our schema already. */
  readonly id?: number;
}

/**
 * Gives the topics of a namespace their schemas in the registry, and the codec the ids of them. All subjects are looked
 * at before one gets a schema, so that what can't go on has changed nothing.
 */
export class SubjectRegistrar {
  readonly #api: ConfluentApi;
  readonly #registry: SchemaRegistry;
  readonly #namespace: string;
  readonly #done = new Set<string>();

  constructor(api: ConfluentApi, registry: SchemaRegistry, namespace: string) {
    this.#api = api;
    this.#registry = registry;
    this.#namespace = namespace;
  }

  /**
   * `topicsWithRecords` is asked only when a subject is new. Errors: REGISTRY_INCOMPATIBLE, REGISTRY_SUBJECT_MISSING,
   * and those of `ConfluentApi`.
   */
  async register(topics: readonly string[], topicsWithRecords: () => Promise<ReadonlySet<string>>): Promise<void> {
    const subjects = this.#subjectsOf(topics);
    const states = await Promise.all(subjects.map((subject) => this.#inspect(subject)));
    if (states.some(({ present }) => !present)) {
      const written = await topicsWithRecords();
      for (const [i, subject] of subjects.entries()) {
        if (states[i]?.present !== false || !written.has(subject.topic)) continue;
        // Another process may have registered it in between, and written.
        const state = await this.#inspect(subject);
        if (!state.present) throw subjectMissing(this.#api.where, subject.topic, subject.subject);
        states[i] = state;
      }
    }
    for (const [i, subject] of subjects.entries()) {
      const state = states[i] ?? { present: false };
      this.#registry.adopt(subject.name, state.id ?? (await this.#create(subject, state)));
      this.#done.add(subject.topic);
    }
  }

  #subjectsOf(topics: readonly string[]): readonly Subject[] {
    return [...new Set(topics)].flatMap((topic) => {
      const name = schemaOfTopic(this.#namespace, topic);
      return name === undefined || this.#done.has(topic) ? [] : [{ topic, name, subject: subjectOf(topic) }];
    });
  }

  /** Where all is as it should be, this only reads. */
  async #inspect({ subject, name }: Subject): Promise<State> {
    const schema = this.#schemaText(name);
    const id = await this.#api.idOf(subject, schema);
    const latest = id === undefined ? await this.#api.latestSchema(subject) : schema;
    if (latest === undefined) return { present: false };
    await this.#beBackward(subject);
    if (id !== undefined) return { present: true, id };
    const why = await this.#api.incompatibilities(subject, schema);
    if (why === undefined) return { present: true };
    // Apicurio does not say why.
    const reasons = why.length > 0 ? why : [whyUnreadable(parsed(latest), this.#registry.newest(name).schema) ?? ''];
    throw schemaIncompatible(this.#api.where, subject, name, reasons);
  }

  async #create({ subject, name }: Subject, { present }: State): Promise<number> {
    // Before the first schema, so that no moment is without it. Some registries know no subject without a schema.
    const set = present || (await this.#api.setCompatibility(subject, 'BACKWARD'));
    const id = await this.#api.register(subject, this.#schemaText(name));
    if (!set) await this.#beBackward(subject);
    return id;
  }

  async #beBackward(subject: string): Promise<void> {
    const level = await this.#api.compatibilityOf(subject);
    if (level === undefined || !AS_STRICT.has(level)) await this.#api.setCompatibility(subject, 'BACKWARD');
  }

  #schemaText(name: SchemaName): string {
    return JSON.stringify(this.#registry.newest(name).schema);
  }
}

function parsed(schema: string): unknown {
  try {
    return JSON.parse(schema);
  } catch {
    return undefined;
  }
}
