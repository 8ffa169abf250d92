"""Looks at topics and changes them with librdkafka's admin client, as an operator's own tools would.

Usage: topic_admin.py BROKERS describe PREFIX
       topic_admin.py BROKERS create TOPIC PARTITIONS [NAME=VALUE...]
       topic_admin.py BROKERS grow TOPIC PARTITIONS
       topic_admin.py BROKERS set TOPIC NAME=VALUE...
       topic_admin.py BROKERS read TOPIC
describe answers with {topic: {partitions, copies, settings}}, settings being those that are the topic's own;
read with [[partition, offset, key, timestamp, live]] of what is committed; the others with {}.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
)

PATIENCE_S = 30


def settled(futures):
    return {name: future.result(PATIENCE_S) for name, future in futures.items()}


def pairs(texts):
    return dict(text.split("=", 1) for text in texts)


def describe(admin, prefix):
    topics = {name: topic for name, topic in admin.list_topics(timeout=PATIENCE_S).topics.items() if name.startswith(prefix)}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    configs = {resource.name: entries for resource, entries in settled(admin.describe_configs(resources)).items()} if topics else {}
    own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {
        name: {
            "partitions": len(topic.partitions),
            "copies": len(topic.partitions[0].replicas),
            "settings": {entry.name: entry.value for entry in configs[name].values() if entry.source == own},
        }
        for name, topic in topics.items()
    }


def read(brokers, topic):
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "independent-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    partitions = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
    left = set(partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
    rows = []
    while left:
        message = consumer.poll(PATIENCE_S)
        if message is None:
            raise TimeoutError(f"nothing for {PATIENCE_S} s")
        if message.error() is None:
            key = message.key() and message.key().decode()
            rows.append([message.partition(), message.offset(), key, message.timestamp()[1], message.value() is not None])
        elif message.error().name() == "_PARTITION_EOF":
            left.discard(message.partition())
        else:
            raise RuntimeError(message.error())
    consumer.close()
    return sorted(rows)


def main():
    brokers, action, name, *rest = sys.argv[1:]
    admin = AdminClient({"bootstrap.servers": brokers})
    answer = {}
    if action == "describe":
        answer = describe(admin, name)
    elif action == "create":
        settled(admin.create_topics([NewTopic(name, int(rest[0]), 1, config=pairs(rest[1:]))]))
    elif action == "grow":
        settled(admin.create_partitions([NewPartitions(name, int(rest[0]))]))
    elif action == "set":
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in pairs(rest).items()
        ]
        settled(
            admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)])
        )
    elif action == "read":
        answer = read(brokers, name)
    else:
        raise SystemExit(__doc__)
    print(json.dumps(answer))


main()
