"""Writes embeddings as other programs do, in every form that `import` reads. Arguments: folder, rows, dimension."""

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy
import polars
import pyarrow
import pyarrow.parquet

folder, rows, dimension = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
MODEL = "foreign-model"
vectors = numpy.random.default_rng(7).standard_normal((rows, dimension)).astype(numpy.float32)
ids = [f"obj {i} «ü»" for i in range(rows)]
texts = [f"text {i} 👩‍🚀 \n second line" for i in range(rows)]


def write(name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def jsonl(objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


batch = [
    {
        "object_id": 1000 + i,
        "embedding": vectors[i].tolist(),
        "timestamp": f"2026-03-0{1 + i % 9}T12:00:00Z",
        "model": f"org/{MODEL}",
        "dimension": dimension,
    }
    for i in range(rows)
]
half = rows // 2
write("batches/batch_001.jsonl", jsonl(batch[:half]))
write("batches/batch_002.jsonl.gz", gzip.compress(jsonl(batch[half:]).encode()))
write("batches/progress.json", json.dumps({"lastProcessedIndex": rows, "totalProcessed": rows}))

document = {
    "version": "1.0",
    "model": MODEL,
    "dimensions": dimension,
    "count": rows,
    "created": "2026-03-01T12:00:00Z",
    "embeddings": [{"id": ids[i], "embedding": vectors[i].tolist(), "text": texts[i]} for i in range(rows)],
}
write("document.json", json.dumps(document, indent=2))
write("sorted.json", json.dumps(document, sort_keys=True))
write("version2.json", json.dumps({**document, "version": "2.0"}))

store = [
    {
        "id": ids[i],
        "vector": vectors[i].tolist(),
        "metadata": {"year": 1900 + i, "tags": ["a", "b"], "place": {"city": "Köln", "lat": 50.9}, "public": i % 2 == 0},
    }
    for i in range(rows)
]
write("store.json", json.dumps(store))
write("store.jsonl", jsonl(store))

paragraphs = [{"paper_id": f"astro-ph/{i // 3}", "paragraph_index": i % 3, "text": texts[i]} for i in range(rows)]
for name, dtype in [("f4", "<f4"), ("f8", "<f8"), ("big", ">f4"), ("f2", "<f2")]:
    (folder / f"npy-{name}").mkdir(exist_ok=True)
    numpy.save(folder / f"npy-{name}" / f"{MODEL}.npy", vectors.astype(dtype))
    write(f"npy-{name}/{MODEL}.jsonl", jsonl(paragraphs))
    write(
        f"npy-{name}/{MODEL}.metadata.json",
        json.dumps({"model_name": MODEL, "embedding_dim": dimension, "num_paragraphs": rows, "batch_size": 32}),
    )

table = pyarrow.table(
    {
        "id": ids,
        "embedding": pyarrow.array(vectors.tolist(), pyarrow.list_(pyarrow.float64())),
        "year": pyarrow.array([None if i % 4 == 0 else 1900 + i for i in range(rows)], pyarrow.int64()),
        "text": texts,
    }
)
pyarrow.parquet.write_table(table, folder / "list.parquet", row_group_size=max(1, rows // 3))
fixed = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), dimension)
pyarrow.parquet.write_table(table.set_column(1, "vector", fixed), folder / "fixed.parquet", compression="zstd")
polars.DataFrame({"id": list(range(rows)), "vector": vectors.tolist()}).write_parquet(folder / "polars.parquet")

with tarfile.open(folder / "batches.tar.gz", "w:gz") as tar:
    tar.add(folder / "batches", "data/embeddings/batches")
with tarfile.open(folder / "evil.tar", "w", format=tarfile.PAX_FORMAT) as tar:
    for name in ["../../evil.jsonl", "/tmp/evil.jsonl", "x" * 180 + "/good.jsonl"]:
        data = jsonl(store[:2] if "good" in name else store[2:4]).encode()
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    link = tarfile.TarInfo("link.jsonl")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(link)

print(json.dumps({"vectors": vectors.tolist(), "ids": ids, "texts": texts}))
