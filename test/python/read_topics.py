"""Reads topics with Confluent's own deserializer, which finds each value's schema in the registry by its id.

Usage: read_topics.py REGISTRY_URL (kafka BROKERS TOPIC... | file PATH)
A file has a line of JSON for each record: topic, offset, key, value (both base64, value may be null).
Answers with one line of JSON: topic -> [[offset, key, value], ...] in offset order; bytes become hex.
"""

import base64
import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE_S = 30


def from_file(path):
    with open(path, encoding="utf8") as lines:
        for line in lines:
            record = json.loads(line)
            value = record["value"]
            yield record["topic"], record["offset"], base64.b64decode(record["key"]), value and base64.b64decode(value)


def from_kafka(brokers, topics):
    """Committed records up to the end as it was at the start."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "independent-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    metadata = consumer.list_topics(timeout=PATIENCE_S)
    left = {(topic, partition) for topic in topics for partition in metadata.topics[topic].partitions}
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
    while left:
        message = consumer.poll(PATIENCE_S)
        if message is None:
            raise TimeoutError(f"nothing for {PATIENCE_S} s, {left} not at the end")
        if message.error() is None:
            yield message.topic(), message.offset(), message.key(), message.value()
        elif message.error().name() == "_PARTITION_EOF":
            left.discard((message.topic(), message.partition()))
        else:
            raise RuntimeError(message.error())
    consumer.close()


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    return value


def main():
    url, kind, *rest = sys.argv[1:]
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": url}))
    seen = {}
    for topic, offset, key, value in from_kafka(rest[0], rest[1:]) if kind == "kafka" else from_file(rest[0]):
        decoded = deserialize(value, SerializationContext(topic, MessageField.VALUE))
        seen.setdefault(topic, []).append([offset, key.decode(), plain(decoded)])
    print(json.dumps({topic: sorted(records, key=lambda record: record[0]) for topic, records in seen.items()}))


main()
