import { UsageError } from '../../errors.ts';
import { formatTemplate, parseTemplate, templateColumns, type TemplateToken } from '../csv/template.ts';
import type { FormatOptions, SourceItem } from '../port.ts';

/**
 * Where the image of a row is: a path below a folder, or a URL, put together from its columns; or it is in a column itself,
 * as hexadecimal digits behind `\\x`.
 */
export interface ImageReference {
  readonly kind: 'path' | 'url' | 'bytes';
  readonly tokens: readonly TemplateToken[];
}

/** A row whose image has to be fetched from where this says. */
export interface ReferringItem extends SourceItem {
  readonly imageReference?: string;
}

type ImageFlags = Pick<FormatOptions, 'image' | 'imageUrl' | 'imagesDir'>;

/**
 * What `--image` or `--image-url` says; undefined where neither is given. `resolve` finds a column, or throws.
 *
 * @throws UsageError
 */
export function parseImageReference(
  { image, imageUrl }: ImageFlags,
  resolve: (name: string, flag: string) => number,
): ImageReference | undefined {
  if (image !== undefined) return { kind: 'path', tokens: parseTokens(image, '--image', resolve) };
  return imageUrl === undefined ? undefined : { kind: 'url', tokens: parseTokens(imageUrl, '--image-url', resolve) };
}

/** @throws UsageError for flags that do not go together where images are files or behind URLs */
export function refuseClashes({ image, imageUrl, imagesDir }: ImageFlags): void {
  if (image !== undefined && imageUrl !== undefined)
    throw new UsageError('--image and --image-url both say where the image is: a record has one. Give one of them.');
  if (image !== undefined && imagesDir === undefined)
    throw new UsageError('--image needs --images-dir=FOLDER, in which the files are and out of which nothing is read.');
  if (image === undefined && imagesDir !== undefined)
    throw new UsageError("--images-dir needs --image=COLUMN or a template such as --image='{Object ID}.jpg'.");
}

function parseTokens(
  given: string,
  flag: string,
  resolve: (name: string, flag: string) => number,
): readonly TemplateToken[] {
  if (!given.includes('{')) return [{ column: resolve(given, flag) }];
  const tokens = parseTemplate(given, (name) => resolve(name, flag));
  if (templateColumns(tokens).length > 0) return tokens;
  throw new UsageError(`${flag}=${given} holds no {column}, so that every row would have the same image.`);
}

/**
 * The reference of one row; undefined where one of its columns is empty: the row has no image. In a URL that is put
 * together, what comes from columns can't end the path: `?`, `#` and `%` are encoded, `/` stays.
 */
export function referenceOf({ kind, tokens }: ImageReference, values: readonly string[]): string | undefined {
  const isTemplate = tokens.length > 1;
  let reference = '';
  for (const token of tokens) {
    if (typeof token === 'string') {
      reference += token;
      continue;
    }
    const value = values[token.column] ?? '';
    if (value.trim() === '') return undefined;
    reference += kind === 'url' && isTemplate ? value.replace(/[%?#\\]/g, encodeURIComponent) : value;
  }
  return reference;
}

const KINDS = { path: 'file', url: 'URL', bytes: 'bytes' } as const satisfies Record<ImageReference['kind'], string>;

/** For the user. */
export function describeReference({ tokens, kind }: ImageReference, names: readonly string[]): string {
  return `${formatTemplate(tokens, names)} (${KINDS[kind]})`;
}
