import {
  Bool,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  RecordBatchStreamWriter,
  Schema,
  Table,
  TimestampMillisecond,
  Utf8,
  type DataType,
} from 'apache-arrow';
import { PhysicalType, type ColumnSchema } from './format.ts';

/** Key of the file's metadata under which Arrow's readers find the types that Parquet does not have. */
export const ARROW_SCHEMA_KEY = 'ARROW:schema';

const MESSAGE_PREFIX_BYTES = 8;

/** Arrow's schema message as base64: with it a reader knows that the vectors are of a fixed size. */
export function arrowSchema(columns: readonly ColumnSchema[], dimension: number): string {
  const schema = new Schema(columns.map((column) => fieldOf(column, dimension)));
  const stream = RecordBatchStreamWriter.writeAll(new Table(schema)).toUint8Array(true);
  const view = new DataView(stream.buffer, stream.byteOffset);
  const length = MESSAGE_PREFIX_BYTES + view.getInt32(4, true);
  return Buffer.from(stream.buffer, stream.byteOffset, length).toString('base64');
}

function fieldOf(column: ColumnSchema, dimension: number): Field {
  if (column.type !== 'vector') return new Field(column.name, typeOf(column), column.nullable);
  return new Field(column.name, new FixedSizeList(dimension, new Field('item', new Float32(), false)), false);
}

function typeOf({ type, meaning }: Exclude<ColumnSchema, { type: 'vector' }>): DataType {
  switch (type) {
    case PhysicalType.boolean:
      return new Bool();
    case PhysicalType.int32:
      return new Int32();
    case PhysicalType.int64:
      return meaning === 'timestamp-millis' ? new TimestampMillisecond('UTC') : new Int64();
    case PhysicalType.double:
      return new Float64();
    default:
      return new Utf8();
  }
}
