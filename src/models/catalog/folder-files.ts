import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, UsageError } from '../../errors.ts';

export async function hasFile(folder: string, file: string): Promise<boolean> {
  try {
    await access(join(folder, file));
    return true;
  } catch {
    return false; // not an error: whoever asks knows what to do without it
  }
}

/** @throws UsageError that names what is missing, of all that such a folder needs */
export async function requireFiles(folder: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (await hasFile(folder, file)) continue;
    const needed = `${files.slice(0, -1).join(', ')} and ${files.at(-1) ?? ''}`;
    throw new UsageError(`The model folder ${folder} has no ${file}. It needs ${needed}.`);
  }
}

export async function readOptionalJson<Schema extends z.ZodType>(
  folder: string,
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  return (await hasFile(folder, file)) ? readJson(folder, file, schema) : undefined;
}

/** @throws UsageError that says what is wrong with the file */
export async function readJson<Schema extends z.ZodType>(
  folder: string,
  file: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const path = join(folder, file);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UsageError(`${path} is not what a model folder needs: ${reason}`, { cause });
  }
}
