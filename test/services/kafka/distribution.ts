import { join } from 'node:path';
import { findJava, noJava } from '../java.ts';
import { type Download, fetchOnce, missingFor } from '../maven.ts';

const JAVA_MINIMUM = 17;
const DOWNLOAD: Download = {
  name: 'kafka-4.2.1',
  args: (folder) => [
    '-f',
    join(import.meta.dirname, 'pom.xml'),
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${folder}`,
  ],
};

/** What this machine lacks to run Kafka in a JVM. */
export function missingForKafka(): string | undefined {
  return findJava(JAVA_MINIMUM) === undefined ? noJava(JAVA_MINIMUM) : missingFor(DOWNLOAD);
}

export interface JavaCommand {
  readonly command: string;
  /** Goes before the main class. */
  readonly args: readonly string[];
}

/** The `java` command that has Kafka's classes. Downloads them, once: 54 MB. */
export async function kafkaJava(): Promise<JavaCommand> {
  const command = findJava(JAVA_MINIMUM);
  if (command === undefined) throw new Error(noJava(JAVA_MINIMUM));
  const lib = await fetchOnce(DOWNLOAD);
  const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.yaml')}`;
  return { command, args: ['-XX:+UseSerialGC', '-Djava.awt.headless=true', logging, '-cp', join(lib, '*')] };
}
