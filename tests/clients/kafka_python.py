#!/usr/bin/env python3
"""kafka-python as a client: see contract.py. Debian's 2.0.2 and the current one alike."""
import importlib.util
import sys

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata

import contract

MODULES = {'gzip': 'zlib', 'snappy': 'snappy', 'lz4': 'lz4', 'zstd': 'zstandard'}


def version():
    return f'kafka-python {kafka.__version__}'


def codecs():
    return ' '.join(['none'] + [c for c, m in MODULES.items() if importlib.util.find_spec(m)])


def produce(broker, topic, codec, path, **more):
    p = KafkaProducer(bootstrap_servers=broker, acks='all', linger_ms=5,
                      compression_type=None if codec == 'none' else codec, **more)
    sent = [p.send(topic, key=k, value=v) for k, v in contract.read_lines(path)]
    p.flush(contract.PATIENCE)
    for future in sent:
        future.get(contract.PATIENCE)
    p.close()


def idempotent(broker, topic, codec, path):
    if 'enable_idempotence' not in KafkaProducer.DEFAULT_CONFIG:
        sys.exit(77)
    produce(broker, topic, codec, path, enable_idempotence=True)


def take(consumer, count):
    """The next count records; fewer if none comes for a while."""
    taken = []
    while len(taken) < count:
        found = consumer.poll(timeout_ms=contract.PATIENCE * 1000, max_records=count - len(taken))
        if not found:
            break
        taken += [r for records in found.values() for r in records]
    return taken


def consume(broker, topic, count):
    c = KafkaConsumer(topic, bootstrap_servers=broker, auto_offset_reset='earliest')
    taken = take(c, count)
    c.close()
    return [(r.key, r.value) for r in taken]


def member(broker, topic, group):
    return KafkaConsumer(topic, bootstrap_servers=broker, group_id=group,
                         auto_offset_reset='earliest', enable_auto_commit=False,
                         heartbeat_interval_ms=500, session_timeout_ms=10000)


def committed(offset):
    """OffsetAndMetadata got a third field with 2.1."""
    return OffsetAndMetadata(*([offset, ''] + [-1] * (len(OffsetAndMetadata._fields) - 2)))


def group(broker, topic, group, count):
    c = member(broker, topic, group)
    taken = take(c, count)
    ends = {}
    for r in taken:
        ends[TopicPartition(r.topic, r.partition)] = committed(r.offset + 1)
    c.commit(ends)
    c.close()
    return [(r.key, r.value) for r in taken]


class Member:
    def __init__(self, *arguments):
        self.consumer = member(*arguments)

    def assigned(self):
        self.consumer.poll(timeout_ms=100)
        return {p.partition for p in self.consumer.assignment()}

    def close(self):
        self.consumer.close()


def share(broker, topic, group):
    return [Member(broker, topic, group) for _ in (0, 1)]


def admin(broker, topic):
    a = KafkaAdminClient(bootstrap_servers=broker)
    a.create_topics([NewTopic(topic, 3, 1, topic_configs={'retention.ms': '54321'})])
    assert topic in a.list_topics()
    found, = a.describe_topics([topic])
    assert len(found['partitions']) == 3, found
    text = str(a.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
    assert 'retention.ms' in text and '54321' in text, text
    a.create_partitions({topic: NewPartitions(5)})
    found, = a.describe_topics([topic])
    assert len(found['partitions']) == 5, found
    a.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'segment.ms': '12345'})])
    text = str(a.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
    assert '12345' in text, text
    try:
        a.create_topics([NewTopic(topic, 1, 1)])
        raise AssertionError('a topic was created twice')
    except kafka.errors.TopicAlreadyExistsError:
        pass
    a.delete_topics([topic])
    assert topic not in a.list_topics()
    a.close()


if __name__ == '__main__':
    contract.main(sys.modules[__name__])
