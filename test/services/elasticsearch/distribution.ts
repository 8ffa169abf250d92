import { execFile } from 'node:child_process';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findJava, noJava } from '../java.ts';
import { type Download, fetchOnce, missingFor } from '../maven.ts';
import { missingForOrdinaryUser } from '../ordinary-user.ts';

const run = promisify(execFile);
export const VERSION = '9.4.3';
const JAVA_MINIMUM = 21;

const DOWNLOAD: Download = {
  name: `elasticsearch-${VERSION}`,
  args: (folder) => [
    'dependency:copy',
    `-Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`,
    `-DoutputDirectory=${folder}`,
  ],
  async finish(folder) {
    const { javaHome } = neededJava();
    for (const archive of await readdir(folder)) {
      await run(join(javaHome, 'bin', 'jar'), ['-xf', archive], { cwd: folder });
      await rm(join(folder, archive));
    }
    const [inner = ''] = await readdir(folder);
    for (const name of await readdir(join(folder, inner))) await rename(join(folder, inner, name), join(folder, name));
    await rmdir(join(folder, inner));
  },
};

/** What this machine lacks to run Elasticsearch. */
export function missingForElasticsearch(): string | undefined {
  if (findJava(JAVA_MINIMUM) === undefined) return noJava(JAVA_MINIMUM);
  return missingFor(DOWNLOAD) ?? missingForOrdinaryUser();
}

/** The folder of the distribution, and the JDK that runs it. Downloaded once: 124 MB. */
export async function elasticsearchHome(): Promise<{ readonly home: string; readonly javaHome: string }> {
  return { ...neededJava(), home: await fetchOnce(DOWNLOAD) };
}

function neededJava(): { readonly javaHome: string } {
  const java = findJava(JAVA_MINIMUM);
  if (java === undefined) throw new Error(noJava(JAVA_MINIMUM));
  return { javaHome: dirname(dirname(java)) };
}
