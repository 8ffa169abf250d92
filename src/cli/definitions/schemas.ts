import { z } from 'zod';

/** A whole number from 1 on. */
export const count = z.number().int('must be a whole number').min(1, 'must be at least 1');

/** A name that becomes part of topic, group or folder names. */
export const plainName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 letters, digits, dots, dashes or underscores, not beginning with a dot or dash',
  );

/** One character, or the words for those a shell makes hard to type. */
export const delimiter = z
  .string()
  .transform((text) => ({ tab: '\t', '\\t': '\t', comma: ',', semicolon: ';', pipe: '|' })[text] ?? text)
  .refine(
    (text) => text.length === 1 && !/["\r\n]/.test(text),
    'must be one character (or tab, comma, semicolon, pipe), but no quote',
  );
