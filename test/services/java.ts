import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** The first executable of that name on PATH. */
export function onPath(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && isExecutable(file)) return file;
  }
  return undefined;
}

/**
 * A `java` of at least that version. Looked for in EMBEDSTREAM_JAVA_HOME, on PATH, in JAVA_HOME, then where systems
 * install JDKs, the oldest that will do first: it is what the server was tried with by most.
 */
export function findJava(minimum: number): string | undefined {
  for (const home of javaHomes()) {
    const version = javaVersion(home);
    if (version !== undefined && version >= minimum) return join(home, 'bin', 'java');
  }
  return undefined;
}

/** The message where `findJava` finds none. */
export function noJava(minimum: number): string {
  return `no Java ${minimum} or newer: install a JDK, or name its folder in EMBEDSTREAM_JAVA_HOME`;
}

/** 17 for `JAVA_VERSION="17.0.15"` in a JDK's `release` file; undefined where the folder holds no JDK. */
export function javaVersion(home: string): number | undefined {
  const release = join(home, 'release');
  if (!existsSync(release) || !isExecutable(join(home, 'bin', 'java'))) return undefined;
  const version = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1];
  return version === undefined ? undefined : Number.parseInt(version, 10);
}

function javaHomes(): string[] {
  const java = onPath('java');
  const named = [process.env['EMBEDSTREAM_JAVA_HOME'], java && dirname(dirname(realpathSync(java)))];
  const installed = ['/usr/lib/jvm', '/opt/java', '/Library/Java/JavaVirtualMachines']
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .flatMap((home) => [home, join(home, 'Contents', 'Home')])
    .sort((one, other) => (javaVersion(one) ?? 0) - (javaVersion(other) ?? 0));
  return [...named, process.env['JAVA_HOME'], ...installed].filter(
    (home): home is string => home !== undefined && home !== '',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
