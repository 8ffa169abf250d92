import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';

/** What one vector is asked for. */
export interface FakeInput {
  readonly text?: string;
  readonly image?: Buffer;
}

/** A request that was understood: its inputs, in order, and what an answer with their vectors looks like. */
export interface Understood {
  readonly inputs: readonly FakeInput[];
  readonly dimension: number;
  readonly answer: (vectors: readonly number[][], tokens: number) => unknown;
}

/** One provider as its documentation has it. */
export interface Protocol {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  /** The key in the place where it belongs; undefined: none is needed. */
  key?(headers: IncomingHttpHeaders): string | undefined;
  /** Strict: a field that is not documented fails. */
  readonly schema?: z.ZodType;
  /** Only called with what the schema takes. */
  understand?(body: never, path: string): Understood;
  /** What a GET is answered with. */
  readonly facts?: unknown;
  /** Headers of an answer. */
  headers?(tokens: number): Readonly<Record<string, string>>;
  error(status: number, message: string): unknown;
}

export function bearerKey(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

/** `data:image/png;base64,…`, whose bytes are what it says. */
export function imageOfDataUri(uri: string): Buffer {
  const match = /^data:image\/(jpeg|png|webp|gif);base64,([A-Za-z0-9+/]+=*)$/.exec(uri);
  if (match?.[2] === undefined) throw new Error(`no data URI of an image: ${uri.slice(0, 40)}`);
  const bytes = Buffer.from(match[2], 'base64');
  if (kindOf(bytes) !== match[1]) throw new Error(`says ${match[1] ?? ''}, is ${kindOf(bytes)}`);
  return bytes;
}

export function kindOf(bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, 12);
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('GIF8')) return 'gif';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'webp' : 'unknown';
}

/** The same content always has the same vector; of length 2, so that nobody relies on the server's normalisation. */
export function fakeVector({ text = '', image }: FakeInput, dimension: number): number[] {
  const seed = createHash('sha256')
    .update(text)
    .update('\0')
    .update(image ?? '')
    .digest();
  const numbers = Array.from({ length: dimension }, (_, i) => {
    const word = seed.readInt16LE((i * 2) % 30) / 32768;
    return Math.fround(word * Math.cos(i + 1) + 0.01);
  });
  const scale = 2 / Math.hypot(...numbers);
  return numbers.map((value) => Math.fround(value * scale));
}

export function base64Of(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}

/** `{ data: [{ index, embedding }] }` as OpenAI, Voyage and Jina have it. */
export function listed(vectors: readonly (readonly number[] | string)[], rest: object): unknown {
  return {
    object: 'list',
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    ...rest,
  };
}
