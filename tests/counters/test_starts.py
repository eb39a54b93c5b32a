#!/usr/bin/env python3
"""What a start costs until clients are served, counted: on an empty directory, after a clean stop, and for each partition. Fails
when one of the figures grows beyond its bound. In the build tree's top directory.

What jobs do behind a start's back is counted too as far as it came, so the bounds on syncs and bytes have room for all of it."""
import os
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *where) for where in ([], ['..', 'common'])]
from broker import sanitized  # noqa: E402
from counted import Counted  # noqa: E402
from records import batch  # noqa: E402
from tap import Tap  # noqa: E402

SETTINGS = ['num.network.threads=1', 'wal.checkpoint.ms=0', 'log.cleaner.enable=false']
PARTITIONS = 500
SYNCS = ('fsync', 'fdatasync', 'pwritev2', 'syncfs')

EMPTY_SYNCS = 46     # 33 until it serves, and those of two segments made ready and of two MARKs
CLEAN_SYNCS = 26     # 13, and the same
A_PARTITION = 8.6    # whose it is: open, read, close; its names: open, twice getdents64, close; the size of its log
CLEAN_BYTES = 1e6    # programs and libraries, the checkpoints, the metadata; the log's segments have 72 MiB


def read_bytes(b):
    with open(f'/proc/{b.process.pid}/io') as f:
        return int(re.search(r'rchar: (\d+)', f.read()).group(1))


def syncs(figures):
    return sum(figures[name] for name in SYNCS)


def bounded(t, value, bound, what):
    t.ok(value <= bound, f'{what}: {value:g} of {bound:g}')


def restarted(t, b):
    """What a start after a clean stop costs: its figures, and the bytes it read."""
    t.same(b.stop(), 0, 'a clean stop')
    b.forget()
    b.start()
    return b.figures(), read_bytes(b)


def fill(b):
    with b.client() as c:
        assert c.create('t', PARTITIONS) == 0
        small = batch([b'x' * 100])
        errors = {p: a[0] for p, a in c.produce('t', {p: small for p in range(PARTITIONS)}).items() if a[0]}
        assert not errors, errors


def run(t):
    with Counted(t, *SETTINGS, with_calls=True, dir='calls') as b:
        if b.why_no_calls():
            t.skip('system calls', f'they cannot be counted here: {b.why_no_calls()}')
            return
        bounded(t, syncs(b.figures()), EMPTY_SYNCS, 'syncs of a start on an empty directory')
        without, _ = restarted(t, b)
        bounded(t, syncs(without), CLEAN_SYNCS, 'syncs of a start after a clean stop')
        fill(b)
        figures, read = restarted(t, b)
        bounded(t, (figures['calls'] - without['calls']) / PARTITIONS, A_PARTITION, 'system calls for each partition')
        bounded(t, read, CLEAN_BYTES, 'bytes read by a start after a clean stop')


def main():
    with Tap() as t:
        if sanitized('chronikd'):
            t.skip('what starts cost', 'a sanitizer calls for itself')
            return
        run(t)


main()
