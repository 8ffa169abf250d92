import type { EmbeddingScanner } from '../../codec/embedding-scanner.ts';
import { jsonValue, keyText } from '../parquet/metadata-columns.ts';
import type { JsonWriter } from './json-writer.ts';

/** `"key":value` of every metadata entry whose key comes for the first time, under the name that `nameOf` gives it. */
export function* metadataMembers(
  scanner: EmbeddingScanner,
  nameOf: (key: string) => string = (key) => key,
): Generator<{ readonly key: string; readonly json: string }> {
  const seen = new Set<string>();
  for (let entry = 0; entry < scanner.metadataCount; entry++) {
    const key = keyText(scanner, entry);
    if (seen.has(key)) continue;
    seen.add(key);
    yield { key, json: `${JSON.stringify(nameOf(key))}:${jsonValue(scanner, entry)}` };
  }
}

/** The scanned row's text as a JSON string; it must have one. */
export function writeText(writer: JsonWriter, scanner: EmbeddingScanner): void {
  writer.string(scanner.bytes, scanner.textStart, scanner.textEnd);
}

/** The scanned row's id as a JSON string. */
export function writeId(writer: JsonWriter, scanner: EmbeddingScanner): void {
  writer.string(scanner.bytes, scanner.idStart, scanner.idEnd);
}
