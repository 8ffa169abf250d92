import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../src/sinks/json/json-writer.ts';

function written(write: (writer: JsonWriter) => void): string {
  const chunks: Buffer[] = [];
  const writer = new JsonWriter((chunk) => chunks.push(Buffer.from(chunk)));
  write(writer);
  writer.flush();
  return Buffer.concat(chunks).toString();
}

function idText(id: string): string {
  const bytes = Buffer.from(`xx${id}yy`);
  return written((writer) => {
    writer.id(bytes, 2, bytes.length - 2);
  });
}

describe('JSON as bytes', () => {
  it.each(['0', '7', '-12', '100009', '9007199254740991', '-9007199254740991'])('has the id %s as a number', (id) => {
    expect(idText(id)).toBe(id);
  });

  it.each([
    '-0',
    '007',
    '1.0',
    '1e3',
    '+1',
    ' 1',
    '9007199254740992',
    '12345678901234567890',
    '-',
    '',
    'a"\\\n',
    'نقش 👩‍🚀',
  ])('has the id %j as text', (id) => {
    expect(idText(id)).toBe(JSON.stringify(id));
  });

  it('has vectors and texts longer than its buffer', () => {
    const vector = new Float32Array(200_000).fill(0.12345679);
    const text = `${'long '.repeat(400_000)}"`;
    const bytes = Buffer.from(text);
    const json = written((writer) => {
      writer.raw('{"vector":');
      writer.vector(vector);
      writer.raw(',"text":');
      writer.string(bytes, 0, bytes.length);
      writer.raw(',"more":');
      writer.string(bytes, 0, bytes.length - 1);
      writer.raw('}');
    });
    const value = JSON.parse(json) as { vector: number[]; text: string; more: string };
    expect(Float32Array.from(value.vector)).toEqual(vector);
    expect({ text: value.text === text, more: value.more === text.slice(0, -1) }).toEqual({ text: true, more: true });
  });
});
