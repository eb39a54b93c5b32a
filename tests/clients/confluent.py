#!/usr/bin/env python3
"""confluent-kafka, which is librdkafka, as a client: see contract.py."""
import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic)

import contract


def version():
    return f'confluent-kafka {confluent_kafka.__version__}, ' \
           f'librdkafka {confluent_kafka.libversion()[0]}'


def codecs():
    return 'none gzip snappy lz4 zstd'


def produce(broker, topic, codec, path, **more):
    failed = []
    p = Producer({'bootstrap.servers': broker, 'compression.type': codec, 'linger.ms': 5,
                  **{k.replace('_', '.'): v for k, v in more.items()}})
    for key, value in contract.read_lines(path):
        p.produce(topic, value, key, on_delivery=lambda e, _: e and failed.append(e))
        p.poll(0)
    left = p.flush(contract.PATIENCE)
    assert not left and not failed, (left, failed[:3])


def idempotent(broker, topic, codec, path):
    produce(broker, topic, codec, path, enable_idempotence=True)


def member(broker, topic, group):
    c = Consumer({'bootstrap.servers': broker, 'group.id': group, 'auto.offset.reset': 'earliest',
                  'enable.auto.commit': False, 'session.timeout.ms': 10000,
                  'heartbeat.interval.ms': 500})
    c.subscribe([topic])
    return c


def take(consumer, count):
    taken = []
    while len(taken) < count:
        found = consumer.consume(count - len(taken), contract.PATIENCE)
        if not found:
            break
        for m in found:
            if m.error():
                raise KafkaException(m.error())
        taken += found
    return taken


def consume(broker, topic, count):
    c = Consumer({'bootstrap.servers': broker, 'group.id': 'unused', 'enable.auto.commit': False})
    partitions = c.list_topics(topic, contract.PATIENCE).topics[topic].partitions
    c.assign([TopicPartition(topic, p, 0) for p in partitions])
    taken = take(c, count)
    c.close()
    return [(m.key(), m.value()) for m in taken]


def group(broker, topic, group, count):
    c = member(broker, topic, group)
    taken = take(c, count)
    ends = {}
    for m in taken:
        ends[m.partition()] = m.offset() + 1
    c.commit(offsets=[TopicPartition(topic, p, o) for p, o in ends.items()], asynchronous=False)
    c.close()
    return [(m.key(), m.value()) for m in taken]


class Member:
    def __init__(self, *arguments):
        self.consumer = member(*arguments)

    def assigned(self):
        self.consumer.poll(0.1)
        return {p.partition for p in self.consumer.assignment()}

    def close(self):
        self.consumer.close()


def share(broker, topic, group):
    return [Member(broker, topic, group) for _ in (0, 1)]


def admin(broker, topic):
    a = AdminClient({'bootstrap.servers': broker})
    new = NewTopic(topic, 3, 1, config={'retention.ms': '54321'})
    a.create_topics([new])[topic].result(contract.PATIENCE)
    assert len(a.list_topics(topic, contract.PATIENCE).topics[topic].partitions) == 3
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    found = a.describe_configs([resource])[resource].result(contract.PATIENCE)
    assert found['retention.ms'].value == '54321', found
    a.create_partitions([NewPartitions(topic, 5)])[topic].result(contract.PATIENCE)
    assert len(a.list_topics(topic, contract.PATIENCE).topics[topic].partitions) == 5
    resource.add_incremental_config(ConfigEntry(
        'cleanup.policy', 'compact', incremental_operation=AlterConfigOpType.APPEND))
    a.incremental_alter_configs([resource])[resource].result(contract.PATIENCE)
    found = a.describe_configs([resource])[resource].result(contract.PATIENCE)
    assert found['cleanup.policy'].value == 'delete,compact', found
    assert found['retention.ms'].value == '54321', found
    assert len(a.describe_cluster(request_timeout=contract.PATIENCE).result().nodes) == 1
    try:
        a.create_topics([new])[topic].result(contract.PATIENCE)
        raise AssertionError('a topic was created twice')
    except KafkaException as e:
        assert e.args[0].name() == 'TOPIC_ALREADY_EXISTS', e
    a.delete_topics([topic])[topic].result(contract.PATIENCE)
    assert topic not in a.list_topics(timeout=contract.PATIENCE).topics


if __name__ == '__main__':
    contract.main(sys.modules[__name__])
