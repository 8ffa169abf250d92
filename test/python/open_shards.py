"""Opens a Parquet file and an npy shard with every reader, and says in one line of JSON what each of them sees."""

import json
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

parquet_path, npy_path, metadata_path = sys.argv[1:]


def plain(rows):
    for row in rows:
        row["vector"] = [float(x) for x in row["vector"]]
        row["createdAt"] = int(row["createdAt"].timestamp() * 1000 + 0.5)
    return rows


def with_pyarrow():
    file = pq.ParquetFile(parquet_path)
    table = file.read()
    vector = table.schema.field("vector").type
    matrix = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, vector.list_size)
    group = file.metadata.row_group(0)
    leaves = {c.path_in_schema: c for c in (group.column(i) for i in range(group.num_columns))}
    nested = next(c for path, c in leaves.items() if path.startswith("vector"))
    return {
        "types": {field.name: str(field.type) for field in table.schema},
        "fixed": pa.types.is_fixed_size_list(vector),
        "shape": list(matrix.shape),
        "dtype": str(matrix.dtype),
        "groups": [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)],
        "vectorEncodings": list(nested.encodings),
        "vectorStatistics": nested.is_stats_set,
        "vectorCompression": nested.compression,
        "textCompression": leaves["text"].compression,
        "fingerprintIsSmall": leaves["fingerprint"].total_compressed_size * 100 < leaves["fingerprint"].total_uncompressed_size,
        "rows": plain(table.to_pylist()),
    }


def with_polars():
    frame = pl.read_parquet(parquet_path)
    return {
        "shape": list(frame["vector"].to_numpy().shape),
        "dtype": str(frame.schema["vector"]),
        "rows": plain(frame.to_dicts()),
    }


def with_duckdb():
    duckdb.sql("SET TimeZone = 'UTC'")
    rows = duckdb.sql(f"SELECT * FROM read_parquet('{parquet_path}')").to_arrow_table().to_pylist()
    lengths = duckdb.sql(f"SELECT DISTINCT len(vector) FROM read_parquet('{parquet_path}')").fetchall()
    return {"lengths": [n for (n,) in lengths], "rows": plain(rows)}


def with_numpy():
    matrix = np.load(npy_path)
    mapped = np.load(npy_path, mmap_mode="r")
    return {
        "shape": list(matrix.shape),
        "dtype": str(matrix.dtype),
        "contiguous": bool(matrix.flags["C_CONTIGUOUS"]),
        "aligned": mapped.offset % 64 == 0,
        "vectors": matrix.astype(float).tolist(),
        "ids": pq.read_table(metadata_path)["id"].to_pylist(),
        "columns": pq.read_schema(metadata_path).names,
    }


print(json.dumps({"pyarrow": with_pyarrow(), "polars": with_polars(), "duckdb": with_duckdb(), "numpy": with_numpy()}))
