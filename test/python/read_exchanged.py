"""Reads JSONL batches, JSON v1.0, a vector store's export and a single matrix with programs of others: one line of JSON."""

import gzip
import json
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.json

batch_gz, batch_zst, document, store, matrix = sys.argv[1:]


def matrix_of(vectors):
    return np.array(vectors, dtype=np.float32)


with gzip.open(batch_gz, "rt", encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
truth = matrix_of([row["embedding"] for row in rows])
ids = [row["object_id"] for row in rows]
with open(document, encoding="utf-8") as file:
    versioned = json.load(file)
with open(store, encoding="utf-8") as file:
    stored = [json.loads(line) for line in file]
with open(matrix.replace(".npy", ".jsonl"), encoding="utf-8") as file:
    paragraphs = [json.loads(line) for line in file]

arrow = pyarrow.json.read_json(pa.input_stream(batch_zst, compression="zstd"))
seen = {
    "pyarrow": (arrow["object_id"].to_pylist(), arrow["embedding"].to_pylist()),
    "polars": (lambda frame: (frame["object_id"].to_list(), frame["embedding"].to_list()))(pl.read_ndjson(batch_zst)),
    "duckdb": tuple(
        map(list, zip(*duckdb.sql(f"SELECT object_id, embedding FROM read_json('{batch_gz}')").fetchall()))
    ),
    "json": ([int(row["id"]) for row in versioned["embeddings"]], [row["embedding"] for row in versioned["embeddings"]]),
    "store": ([int(row["id"]) for row in stored], [row["vector"] for row in stored]),
    "numpy": ([int(row["id"]) for row in paragraphs], np.load(matrix)),
}
print(
    json.dumps(
        {
            "shape": list(truth.shape),
            "equal": {name: i == ids and np.array_equal(matrix_of(v), truth) for name, (i, v) in seen.items()},
            "idType": type(ids[0]).__name__,
            "bits": truth.tobytes().hex(),
            "head": {key: versioned[key] for key in ("version", "model", "dimensions", "count")},
        }
    )
)
