"""Reads all Parquet shards under a prefix of a bucket with pyarrow: read_bucket.py ENDPOINT KEY SECRET BUCKET/PREFIX."""

import json
import sys

import pyarrow.dataset
import pyarrow.fs

endpoint, key, secret, path = sys.argv[1:]
files = pyarrow.fs.S3FileSystem(
    access_key=key, secret_key=secret, endpoint_override=endpoint, region="us-east-1", allow_bucket_creation=False
)
table = pyarrow.dataset.dataset(path, filesystem=files, format="parquet").to_table(columns=["id", "vector"])
print(json.dumps({"ids": table["id"].to_pylist(), "vectors": table["vector"].to_pylist()}))
