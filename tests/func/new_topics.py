#!/usr/bin/env python3
"""Whoever sees the answer to CreateTopics finds the topic served, on any connection, even while
deletions wait for checkpoints. TAP."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from node import Node, Scratch  # noqa: E402
from tap import Tap  # noqa: E402
from wire import Wire, batch, error_name  # noqa: E402

ROUNDS, PARTITIONS = 150, 4
SETTINGS = {'wal.checkpoint.bytes': 64 << 10, 'wal.segment.bytes': 1 << 20,
            'wal.max.bytes': 16 << 20}


def load(port, done):
    """Give the broker something to make checkpoints of."""
    data = batch([bytes(40000)])
    with Wire(port) as wire:
        while not done.is_set():
            wire.produce('load', 0, data)


def checkpoint_time(node):
    return max(os.stat(os.path.join(node.data, 'wal/1', f'checkpoint.{n}')).st_mtime_ns
               for n in (0, 1))


def main():
    tap = Tap()
    with Scratch() as scratch, Node(scratch, SETTINGS) as node:
        node.start()
        done, times, missing = threading.Event(), set(), []
        with Wire(node.port) as admin, Wire(node.port) as client:
            admin.create_topics([('load', 1, 1, {})])
            loader = threading.Thread(target=load, args=(node.port, done))
            loader.start()
            for n in range(ROUNDS):
                admin.create_topics([(f't{n}', PARTITIONS, 1, {})])
                missing += [f't{n}-{p}: {error_name(error)}' for p in range(PARTITIONS)
                            if (error := client.list_offsets(f't{n}', p, -1)[0])]
                admin.delete_topics([f't{n}'])
                times.add(checkpoint_time(node))
            done.set()
            loader.join()
        tap.check(not missing, f'{ROUNDS} new topics are served when they are announced', missing)
        tap.check(len(times) > 10, 'checkpoints were made meanwhile', len(times))
        tap.check(node.stop() == 0, 'the broker stops cleanly')
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())
