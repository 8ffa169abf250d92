"""Reads a table with LanceDB's own package: read_lancedb.py DATABASE TABLE. Answers with its rows and a search's best id."""

import json
import sys

import lancedb

database, name = sys.argv[1:]
table = lancedb.connect(database).open_table(name)
rows = table.to_arrow().sort_by("log_offset")
first = rows["vector"][0].as_py()
print(
    json.dumps(
        {
            "ids": rows["id"].to_pylist(),
            "vectors": rows["vector"].to_pylist(),
            "texts": rows["text"].to_pylist(),
            "created_at": rows["created_at"].cast("int64").to_pylist(),
            "first": rows["id"][0].as_py(),
            "nearest": table.search(first).distance_type("cosine").limit(1).to_list()[0]["id"],
        }
    )
)
