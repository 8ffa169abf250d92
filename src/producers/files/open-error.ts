import { readdir } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { messageOf, UsageError } from '../../errors.ts';
import { codeOf } from './walk.ts';

const TABLES = ['.csv', '.tsv', '.txt'];
const MOST_LISTED = 10;

/** What an error of opening a file that the user named means, and what to do. */
export async function openRefusal(path: string, error: unknown): Promise<UsageError> {
  return new UsageError(await adviceFor(path, error), { cause: error });
}

async function adviceFor(path: string, error: unknown): Promise<string> {
  const code = codeOf(error);
  if (code === 'ENOENT') return `There is no file ${path}. Check the name and the folder.${await filesLike(path)}`;
  if (code === 'ENOTDIR') return `There is no file ${path}: a part of the path is no folder.`;
  if (code === 'EACCES' || code === 'EPERM') return `${path} may not be read. Check the file's permissions.`;
  return `${path} can't be opened: ${messageOf(error)}.`;
}

/** The files of its folder that have its extension, or else the tables there. */
async function filesLike(path: string): Promise<string> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return ` There is no folder ${folder} that can be listed either.`;
  const wanted = extname(path).toLowerCase();
  const alike = wanted === '' || TABLES.includes(wanted) ? '' : listOf(folder, names, [wanted]);
  return alike === '' ? listOf(folder, names, TABLES) : alike;
}

/** The tables in a folder. */
export async function tablesIn(folder: string): Promise<string> {
  return listOf(folder, await readdir(folder).catch(() => []), TABLES);
}

function listOf(folder: string, names: readonly string[], extensions: readonly string[]): string {
  const files = names.filter((name) => extensions.includes(extname(name).toLowerCase())).sort();
  return files.length === 0 ? '' : ` ${folder} holds: ${files.slice(0, MOST_LISTED).join(', ')}.`;
}
