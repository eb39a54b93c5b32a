"""Data directories as a real broker leaves them, with everything in them that can go wrong: several
topics and codecs, small segments, idempotent producers, removed and compacted records, a deleted
topic, committed offsets, checkpoints, snapshots, and a WAL that has gone round."""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, program  # noqa: E402
from records import batch  # noqa: E402

MIB = 1 << 20
CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
DENSE = [('index.interval.bytes', '512')]
TOPICS = [('plain', 2, DENSE),
          ('packed', 1, DENSE + [('segment.bytes', '16384')]),
          ('counted', 1, DENSE + [('segment.bytes', '32768')]),
          ('kept', 1, [('segment.bytes', '16384'), ('retention.bytes', '40000')]),
          ('compacted', 1, DENSE + [('segment.bytes', '8192'), ('cleanup.policy', 'compact'),
                                    ('min.cleanable.dirty.ratio', '0.01')]),
          ('gone', 1, [])]
SETTINGS = [f'wal.segment.bytes={MIB}', f'wal.max.bytes={16 * MIB}', f'wal.checkpoint.bytes={MIB}',
            'wal.checkpoint.ms=500', 'offsets.topic.num.partitions=2',
            'log.retention.check.interval.ms=200', 'log.cleaner.backoff.ms=200', 'num.network.threads=1', 'num.io.threads=2']
GROUPS = [f'group-{i}' for i in range(3)]
IDLE = 1  # seconds: more than the broker takes until it has written all down that it will


def text(round, i, size):
    """Some text that no codec makes go away."""
    return b'%d/%d ' % (round, i) + bytes(32 + (i * 7 + k * k * 31 + round) % 90 for k in range(size))


def produce(c, requests):
    """Thirty on their way at a time."""
    for i in range(0, len(requests), 30):
        first = c.n + 1
        for topic, parts in requests[i:i + 30]:
            c.produce_send(topic, parts)
        for n in range(first, c.n + 1):
            assert c.produce_answer(n)[0][0] == 0


class Work:
    """What clients do to one broker, round by round."""

    def __init__(self, tap, name):
        self.broker = Broker(tap, *SETTINGS, dir=name)
        self.sequence = self.round = 0
        self.pid = None

    def create(self, c):
        for name, partitions, configs in TOPICS:
            assert c.create(name, partitions, configs) == 0
        self.pid = c.producer_id()[1]

    def pack(self):
        """Batches of every codec, by the product's own producer."""
        for codec in CODECS:
            lines = b''.join(text(self.round, i, 60) + b'\n' for i in range(150))
            subprocess.run([program('chronik-produce'), '-q', '-z', codec, '--batch-bytes', '2k', '-b',
                            f'127.0.0.1:{self.broker.port}', 'packed'], input=lines, check=True)

    def count(self, c):
        for i in range(40):
            got = c.produce('counted', {0: batch([text(self.round, i, 400)] * 3, self.pid, 0, self.sequence)})
            assert got[0][0] == 0
            self.sequence += 3

    def fill(self, c):
        """Many small groups: the WAL goes round."""
        produce(c, [('plain', {i % 2: batch([text(self.round, i, 100)]),
                               1 - i % 2: batch([text(self.round, i, 20)] * 2)}) for i in range(900)])

    def rewrite(self, c):
        produce(c, [request for i in range(60) for request in
                    [('compacted', {0: batch([text(self.round, i, 300)], key=b'key-%d' % (i % 7))}),
                     ('kept', {0: batch([text(self.round, i, 1500)])})]])

    def go(self):
        self.round += 1
        with self.broker.client() as c:
            if self.round == 1:
                self.create(c)
            self.pack()
            self.count(c)
            self.rewrite(c)
            self.fill(c)
            for i in range(20):
                c.commit(GROUPS[i % 3], {('plain', 0): 10 * self.round + i})
            if self.round == 2:
                c.produce('gone', {0: batch([b'soon to be deleted'])})
                assert c.delete('gone') == 0
            c.create(f'new-{self.round}', 1, [])
            c.produce(f'new-{self.round}', {0: batch([b'new'])})
        time.sleep(IDLE)


def make(tap):
    """{'older', 'stopped', 'killed', 'foreign': directory}"""
    made = {}

    def keep(work, name, end):
        work.broker.start()
        work.go()
        end()
        made[name] = os.path.join(tap.work, name)
        shutil.copytree(work.broker.dir, made[name])

    ours, theirs = Work(tap, 'ours'), Work(tap, 'theirs')
    keep(ours, 'older', ours.broker.stop)
    keep(ours, 'stopped', ours.broker.stop)
    keep(ours, 'killed', ours.broker.kill)
    theirs.broker.start()
    theirs.go()
    theirs.broker.stop()
    keep(theirs, 'foreign', theirs.broker.stop)
    return made
