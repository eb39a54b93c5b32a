#!/usr/bin/env python3
"""Make a Python client send every kind of request it knows how to: for capture.py.

    drive.py confluent|kafka-python HOST:PORT
"""
import sys
import time

TOPIC, GROUP = 'capture', 'capture-group'


def drive_confluent(broker):
    from confluent_kafka import Consumer, Producer, TopicPartition, admin
    base = {'bootstrap.servers': broker}
    a = admin.AdminClient(base)
    new = admin.NewTopic(TOPIC, 1, 1, config={'retention.ms': '1000'})
    a.create_topics([new])[TOPIC].result(10)
    for idempotent in (False, True):
        p = Producer(dict(base, **{'enable.idempotence': idempotent, 'compression.type': 'lz4'}))
        for i in range(3):
            p.produce(TOPIC, key=b'k%d' % i, value=b'v%d' % i, headers={'h': b'x'})
        p.flush(10)
    c = Consumer(dict(base, **{'group.id': GROUP, 'auto.offset.reset': 'earliest',
                               'heartbeat.interval.ms': 100}))
    c.subscribe([TOPIC])
    end = time.time() + 10
    while time.time() < end and not c.assignment():
        c.poll(0.2)
    c.poll(1)
    c.commit(offsets=[TopicPartition(TOPIC, 0, 2, 'note')], asynchronous=False)
    c.committed([TopicPartition(TOPIC, 0)], timeout=5)
    c.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=5)
    c.offsets_for_times([TopicPartition(TOPIC, 0, 1700000000000)], timeout=5)
    c.close()
    res = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, TOPIC)
    for f in a.describe_configs([res]).values():
        f.result(10)
    entry = admin.ConfigEntry('retention.ms', '5',
                              incremental_operation=admin.AlterConfigOpType.SET)
    res = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[entry])
    for f in a.incremental_alter_configs([res]).values():
        f.result(10)
    quiet(lambda: a.list_consumer_groups(request_timeout=5).result(10))
    quiet(lambda: a.describe_consumer_groups([GROUP], request_timeout=5)[GROUP].result(10))
    quiet(lambda: a.describe_cluster(request_timeout=5).result(10))
    quiet(lambda: a.create_partitions([admin.NewPartitions(TOPIC, 3)])[TOPIC].result(10))
    quiet(lambda: list(a.delete_records([TopicPartition(TOPIC, 0, 1)]).values())[0].result(10))
    quiet(lambda: a.delete_consumer_groups([GROUP], request_timeout=5)[GROUP].result(10))
    a.delete_topics([TOPIC])[TOPIC].result(10)


def drive_kafka_python(broker):
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
    a = KafkaAdminClient(bootstrap_servers=broker)
    a.create_topics([NewTopic(TOPIC, 1, 1)])
    p = KafkaProducer(bootstrap_servers=broker, compression_type='gzip')
    for i in range(3):
        p.send(TOPIC, key=b'k%d' % i, value=b'v%d' % i)
    p.flush(10)
    p.close()
    c = KafkaConsumer(TOPIC, bootstrap_servers=broker, group_id=GROUP, auto_offset_reset='earliest',
                      heartbeat_interval_ms=200, consumer_timeout_ms=3000)
    for _ in c:
        pass
    tp = TopicPartition(TOPIC, 0)
    c.commit()
    c.committed(tp)
    c.offsets_for_times({tp: 1700000000000})
    c.end_offsets([tp])
    c.close()
    res = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {'retention.ms': '5'})
    # Some names changed with 3.0.
    old = hasattr(a, 'list_consumer_groups')
    for f in (lambda: a.describe_configs([res]),
              lambda: a.alter_configs([res], **({} if old else {'raise_on_unknown': False})),
              lambda: a.list_consumer_groups() if old else a.list_groups(),
              lambda: (a.describe_consumer_groups if old else a.describe_groups)([GROUP]),
              lambda: (a.list_consumer_group_offsets(GROUP) if old
                       else a.list_group_offsets([GROUP])),
              lambda: a.describe_cluster(), lambda: a.describe_topics([TOPIC]),
              lambda: a.create_partitions({TOPIC: NewPartitions(3)}),
              lambda: a.delete_records({tp: 1}), lambda: a.delete_group_offsets(GROUP, [tp]),
              lambda: (a.delete_consumer_groups if old else a.delete_groups)([GROUP]),
              lambda: a.delete_topics([TOPIC])):
        quiet(f)


def quiet(f):
    """What fails after the request went out does not matter here."""
    try:
        f()
    except Exception as e:
        print('%s: %s' % (type(e).__name__, e), file=sys.stderr)


if __name__ == '__main__':
    if len(sys.argv) != 3 or sys.argv[1] not in ('confluent', 'kafka-python'):
        raise SystemExit(__doc__)
    {'confluent': drive_confluent, 'kafka-python': drive_kafka_python}[sys.argv[1]](sys.argv[2])
