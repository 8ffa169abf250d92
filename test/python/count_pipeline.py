"""Counts what a pipeline has written, with programs that are not ours: librdkafka, fastavro, pyarrow and numpy.

Usage: count_pipeline.py BROKERS NAMESPACE MODEL SCHEMAS [FORMAT=FOLDER...]
Topics are read under read_committed. Each value is told by its hash, so that gigabytes may be counted.
Answers with one line of JSON:
  records, embeddings, ledger, deadLetters: rows of a topic, by partition and offset
  shards: FORMAT -> {rows: [[partition, offset, id, contentHash, vectorHash]], deletions: [[partition, offset, id]]}
"""

import hashlib
import io
import json
import pathlib
import sys

import fastavro
import numpy as np
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition

PATIENCE_S = 60
WIRE_HEADER_BYTES = 5

brokers, namespace, model, schemas, *folders = sys.argv[1:]


def schema(name):
    return fastavro.parse_schema(json.loads(pathlib.Path(schemas, f"{name}.avsc").read_text()))


SCHEMAS = {name: schema(name) for name in ("SourceRecord", "Embedding", "LedgerEntry")}


def decode(name, value):
    return fastavro.schemaless_reader(io.BytesIO(value[WIRE_HEADER_BYTES:]), SCHEMAS[name], None)


def sha256(value):
    return hashlib.sha256(value).hexdigest()


def committed(topic):
    """Committed records of a topic, up to its end as it was at the start."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{namespace}.counter",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 32768,
        }
    )
    metadata = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic]
    left = set(metadata.partitions) if metadata.error is None else set()
    consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
    while left:
        message = consumer.poll(PATIENCE_S)
        if message is None:
            raise TimeoutError(f"{topic}: nothing for {PATIENCE_S} s, {left} not at the end")
        if message.error() is None:
            yield message
        elif message.error().name() == "_PARTITION_EOF":
            left.discard(message.partition())
        else:
            raise RuntimeError(message.error())
    consumer.close()


def rows(topic, describe):
    found = [[m.partition(), m.offset(), m.key().decode(), *describe(m)] for m in committed(topic)]
    return sorted(found, key=lambda row: row[:2])


def record(message):
    if message.value() is None:
        return [None]
    try:
        value = decode("SourceRecord", message.value())
    except Exception:
        return ["undecodable"]
    hashes = [value[name] for name in ("textHash", "imageHash") if value[name] is not None]
    return [hashes[0].hex()]


def embedding(message):
    if message.value() is None:
        return [None, None]
    value = decode("Embedding", message.value())
    return [value["contentHash"].hex(), sha256(np.asarray(value["vector"], dtype="<f4").tobytes())]


def ledger(message):
    if message.value() is None:
        return [None, None]
    value = decode("LedgerEntry", message.value())
    return [value["contentHash"].hex(), value["outcome"]]


def dead_letter(message):
    headers = {name: content.decode() for name, content in message.headers() or []}
    return [headers["__connect.errors.stage"], headers["__connect.errors.exception.class.name"]]


def plain(content_hash):
    return content_hash.hex() if isinstance(content_hash, bytes) else content_hash


def partition_of(path):
    return int(path.name.split("+")[1])


def shard_rows(kind, folder):
    files = sorted(path for path in pathlib.Path(folder).iterdir() if not path.name.startswith(("_", ".")))
    for path in files:
        if kind == "parquet" and path.name.endswith(".parquet"):
            table = pq.read_table(path)
            vectors = table["vector"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
        elif kind == "npy" and path.name.endswith(".npy"):
            table = pq.read_table(str(path).removesuffix(".npy") + ".metadata.parquet")
            vectors = np.load(path)
        else:
            continue
        assert len(vectors) == len(table), path
        columns = (table[name].to_pylist() for name in ("offset", "id", "contentHash"))
        for offset, key, content_hash, vector in zip(*columns, vectors, strict=True):
            vector_hash = sha256(np.ascontiguousarray(vector, dtype="<f4").tobytes())
            yield [partition_of(path), offset, key, plain(content_hash), vector_hash]


def deletions(folder):
    for path in sorted(pathlib.Path(folder).glob("_*.deletions.jsonl")):
        for line in path.read_text(encoding="utf8").splitlines():
            entry = json.loads(line)
            yield [partition_of(path), entry["offset"], entry["id"]]


def shards(kind, folder):
    return {"rows": sorted(shard_rows(kind, folder)), "deletions": sorted(deletions(folder))}


print(
    json.dumps(
        {
            "records": rows(f"{namespace}.records", record),
            "embeddings": rows(f"{namespace}.embeddings.{model}", embedding),
            "ledger": rows(f"{namespace}.ledger.{model}", ledger),
            "deadLetters": rows(f"{namespace}.dead-letters", dead_letter),
            "shards": {kind: shards(kind, folder) for kind, folder in (each.split("=", 1) for each in folders)},
        }
    )
)
