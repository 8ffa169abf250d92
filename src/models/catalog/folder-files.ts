import { access, readdir, readFile } from 'node:fs/promises';
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

/**
 * Paths of the files in a model folder and the folders in it, with `/` between.
 *
 * @throws UsageError when there is no such folder.
 */
export async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (inner: string, depth: number): Promise<void> => {
    for (const found of await readdir(join(folder, inner), { withFileTypes: true })) {
      const path = inner === '' ? found.name : `${inner}/${found.name}`;
      // The hub's cache holds links to files; nothing of a model lies deeper.
      if (!found.isDirectory()) files.push(path);
      else if (depth < 2) await visit(path, depth + 1);
    }
  };
  try {
    await visit('', 0);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new UsageError(
        `There is no model folder ${folder}: --model=./FOLDER is one with config.json, tokenizer.json and onnx/model.onnx, ` +
          '--model=hf:OWNER/NAME a repository of the Hugging Face hub.',
        { cause },
      );
    throw new UsageError(`The model folder ${folder} can't be read: ${messageOf(cause)}.`, { cause });
  }
  return files.sort();
}

/** @throws UsageError that names what is missing, of all that such a folder needs */
export function requireFiles(where: string, present: readonly string[], files: readonly string[]): void {
  const missing = files.find((file) => !present.includes(file));
  if (missing === undefined) return;
  const needed = [files.slice(0, -1).join(', '), files.at(-1)].filter(Boolean).join(' and ');
  throw new UsageError(`${where} has no ${missing}. It needs ${needed}, and an ONNX file.`);
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
