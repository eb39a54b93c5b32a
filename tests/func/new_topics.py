#!/usr/bin/env python3
"""Whoever sees the answer to CreateTopics finds the topic served, on any connection, even while
deletions wait for checkpoints."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch  # noqa: E402
from tap import Tap  # noqa: E402
from wire import error_name  # noqa: E402

ROUNDS, PARTITIONS = 150, 4
SETTINGS = 'wal.checkpoint.bytes=65536', 'wal.segment.bytes=1048576', 'wal.max.bytes=16777216'


def load(b, done):
    """Give the broker something to make checkpoints of."""
    data = batch([bytes(40000)])
    with b.client() as c:
        while not done.is_set():
            c.produce('load', {0: data})


def checkpoint_time(b):
    return max(os.stat(os.path.join(b.dir, 'wal/1', f'checkpoint.{n}')).st_mtime_ns
               for n in (0, 1))


with Tap() as t, Broker(t, *SETTINGS) as b, b.client() as admin, b.client() as c:
    done, times, missing = threading.Event(), set(), []
    admin.create('load')
    loader = threading.Thread(target=load, args=(b, done))
    loader.start()
    for n in range(ROUNDS):
        admin.create(f't{n}', PARTITIONS)
        missing += [f't{n}-{p}: {error_name(error)}' for p in range(PARTITIONS)
                    if (error := c.offset(f't{n}', -1, p)[0])]
        admin.delete(f't{n}')
        times.add(checkpoint_time(b))
    done.set()
    loader.join()
    t.ok(not missing, f'{ROUNDS} new topics are served when they are announced', missing)
    t.ok(len(times) > 10, 'checkpoints were made meanwhile', len(times))
    t.same(b.stop(), 0, 'the broker stops cleanly')
