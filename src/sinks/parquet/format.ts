import { ThriftWriter } from './thrift-writer.ts';

/**
 * The parts of the Parquet format that we write (parquet.thrift of apache/parquet-format): data pages of version 1, plain
 * values, levels in RLE, a footer. No dictionaries: zstd makes repeated texts as small, and costs less here.
 */

export const PhysicalType = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, byteArray: 6 } as const;
export const Compression = { uncompressed: 0, gzip: 2, zstd: 6 } as const;

const Encoding = { plain: 0, rle: 3 } as const;
const Repetition = { required: 0, optional: 1, repeated: 2 } as const;
const ConvertedType = { utf8: 0, list: 3, timestampMillis: 9 } as const;
const LogicalType = { string: 1, list: 3, timestamp: 8 } as const;
const DATA_PAGE = 0;
const FORMAT_VERSION = 2;

/** What a leaf column means beyond its physical type. */
export type Meaning = 'string' | 'timestamp-millis';

/** A column at the top level; `vector` is a list of D required floats, as Arrow's fixed_size_list is written. */
export type ColumnSchema =
  | {
      readonly name: string;
      readonly type: number;
      readonly nullable: boolean;
      readonly meaning?: Meaning;
    }
  | { readonly name: string; readonly type: 'vector' };

export interface Statistics {
  readonly nullCount: number;
  /** Plain encoded, without a length. */
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
}

/** A column's pages in one row group. */
export interface ColumnChunk {
  /** Of its first page in the file. */
  readonly offset: number;
  /** Leaf values, nulls included. */
  readonly values: number;
  /** Of all its pages, their headers included. */
  readonly bytes: number;
  readonly uncompressedBytes: number;
  readonly codec: number;
  readonly statistics?: Statistics;
}

export interface RowGroup {
  readonly rows: number;
  /** In the order of the schema. */
  readonly chunks: readonly ColumnChunk[];
}

export function encodePageHeader(values: number, uncompressedBytes: number, bytes: number): Uint8Array {
  return new ThriftWriter()
    .i32(1, DATA_PAGE)
    .i32(2, uncompressedBytes)
    .i32(3, bytes)
    .struct(5, (page) => page.i32(1, values).i32(2, Encoding.plain).i32(3, Encoding.rle).i32(4, Encoding.rle))
    .end()
    .toBytes();
}

export function encodeFooter(
  columns: readonly ColumnSchema[],
  rowGroups: readonly RowGroup[],
  keyValueMetadata: ReadonlyMap<string, string>,
): Uint8Array {
  const rows = rowGroups.reduce((total, group) => total + group.rows, 0);
  const leaves = columns.map((column) => leafOf(column));
  return new ThriftWriter()
    .i32(1, FORMAT_VERSION)
    .structs(2, schemaElements(columns), (writer, write) => {
      write(writer);
    })
    .i64(3, rows)
    .structs(4, rowGroups, (writer, group) => {
      writeRowGroup(writer, group, leaves);
    })
    .structs(5, [...keyValueMetadata], (writer, [key, value]) => writer.string(1, key).string(2, value))
    .string(6, 'embedstream')
    .structs(7, leaves, (writer) => writer.struct(1, () => undefined))
    .end()
    .toBytes();
}

interface Leaf {
  readonly type: number;
  readonly path: readonly string[];
}

function leafOf({ name, type }: ColumnSchema): Leaf {
  return type === 'vector' ? { type: PhysicalType.float, path: [name, 'list', 'item'] } : { type, path: [name] };
}

type WriteStruct = (writer: ThriftWriter) => void;

function schemaElements(columns: readonly ColumnSchema[]): WriteStruct[] {
  return [(root) => root.string(4, 'schema').i32(5, columns.length), ...columns.flatMap(elementsOf)];
}

function elementsOf(column: ColumnSchema): WriteStruct[] {
  if (column.type !== 'vector') {
    const { name, type, nullable, meaning } = column;
    return [
      (element) => {
        element
          .i32(1, type)
          .i32(3, nullable ? Repetition.optional : Repetition.required)
          .string(4, name);
        if (meaning === 'string') element.i32(6, ConvertedType.utf8).struct(10, emptyUnion(LogicalType.string));
        if (meaning === 'timestamp-millis') element.i32(6, ConvertedType.timestampMillis).struct(10, utcMillis);
      },
    ];
  }
  return [
    (list) =>
      list
        .i32(3, Repetition.required)
        .string(4, column.name)
        .i32(5, 1)
        .i32(6, ConvertedType.list)
        .struct(10, emptyUnion(LogicalType.list)),
    (items) => items.i32(3, Repetition.repeated).string(4, 'list').i32(5, 1),
    (item) => item.i32(1, PhysicalType.float).i32(3, Repetition.required).string(4, 'item'),
  ];
}

function emptyUnion(field: number): WriteStruct {
  return (union) => union.struct(field, () => undefined);
}

function utcMillis(union: ThriftWriter): void {
  union.struct(LogicalType.timestamp, (timestamp) => timestamp.bool(1, true).struct(2, emptyUnion(1)));
}

function writeRowGroup(writer: ThriftWriter, { rows, chunks }: RowGroup, leaves: readonly Leaf[]): void {
  const pairs = chunks.flatMap((chunk, index) => {
    const leaf = leaves[index];
    return leaf === undefined ? [] : [{ chunk, leaf }];
  });
  writer
    .structs(1, pairs, (column, { chunk, leaf }) =>
      column.i64(2, chunk.offset).struct(3, (metadata) => {
        writeColumnMetadata(metadata, chunk, leaf);
      }),
    )
    .i64(
      2,
      sum(chunks, (chunk) => chunk.uncompressedBytes),
    )
    .i64(3, rows)
    .i64(
      6,
      sum(chunks, (chunk) => chunk.bytes),
    );
}

function writeColumnMetadata(writer: ThriftWriter, chunk: ColumnChunk, { type, path }: Leaf): void {
  writer
    .i32(1, type)
    .i32s(2, [Encoding.plain, Encoding.rle])
    .strings(3, path)
    .i32(4, chunk.codec)
    .i64(5, chunk.values)
    .i64(6, chunk.uncompressedBytes)
    .i64(7, chunk.bytes)
    .i64(9, chunk.offset);
  const { statistics } = chunk;
  if (statistics === undefined) return;
  writer.struct(12, (struct) => {
    struct.i64(3, statistics.nullCount);
    if (statistics.max !== undefined) struct.binary(5, statistics.max);
    if (statistics.min !== undefined) struct.binary(6, statistics.min);
  });
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
