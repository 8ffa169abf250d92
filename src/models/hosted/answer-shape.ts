import { z } from 'zod';
import { AnswerFault } from './provider.ts';

/** A vector's numbers are checked where they are read: zod would take as long as parsing them. */
export const rawVector = z.custom<readonly unknown[] | string>(
  (value) => Array.isArray(value) || typeof value === 'string',
  'must be a vector',
);

/** OpenAI's `usage`, and that of those who do as it does. */
export const tokenUsage = z.object({ total_tokens: z.number().optional() }).nullish();

/** The answer, if it has the documented form. */
export function shaped<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AnswerFault(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
}

const listed = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: rawVector })),
  usage: tokenUsage,
});

/** `{ data: [{ index, embedding }], usage }`, put in the order of the inputs. */
export function readListed(
  answer: unknown,
  count: number,
): { readonly vectors: (readonly unknown[] | string)[]; readonly tokens?: number } {
  const { data, usage } = shaped(listed, answer);
  if (data.length !== count) throw new AnswerFault(`it has ${data.length} vectors for ${count} inputs`);
  const vectors: (readonly unknown[] | string | undefined)[] = new Array<undefined>(count).fill(undefined);
  for (const { index, embedding } of data) vectors[index] = embedding;
  const complete = vectors.filter((vector) => vector !== undefined);
  if (complete.length !== count || vectors.length !== count)
    throw new AnswerFault(`its indices are not 0 to ${count - 1}, each once`);
  const tokens = usage?.total_tokens;
  return { vectors: complete, ...(tokens !== undefined && { tokens }) };
}
