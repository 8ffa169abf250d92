"""Reads Prometheus' text format from a URL with the Python client's own parser; answers with JSON on the last line."""

import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

response = urllib.request.urlopen(sys.argv[1], timeout=10)
families = text_string_to_metric_families(response.read().decode("utf-8"))
print(
    json.dumps(
        {
            "contentType": response.headers["content-type"],
            "families": {
                family.name: {
                    "type": family.type,
                    "help": family.documentation,
                    "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
                }
                for family in families
            },
        }
    )
)
