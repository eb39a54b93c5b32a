#!/usr/bin/env python3
"""restart.py BUILD [--gib N] [--partitions N] [--dir DIR]

How long a restart takes: fill a broker over many partitions, kill it with the write-ahead log full, drop the page cache (as root;
without, it says so), start, and fetch the first record of every partition; the same after a clean stop; and a start after a clean stop
with a warm cache. Prints times, the broker's memory, and what it read from the disk."""
import os
import signal
import sys
import time

from kit import Chronik, Programs, Unable, bench, drop_caches, parser, workplace
from client import Client
from records import batches

AT_ONCE = 50        # partitions asked for in one request
BATCH_BYTES = 80000  # one of those that are written fits, two do not


def first_records(args, port):
    """Milliseconds until the first record of every partition is here."""
    began = time.monotonic()
    with Client(port) as c:
        for first in range(0, args.partitions, AT_ONCE):
            wanted = range(first, min(first + AT_ONCE, args.partitions))
            got = c.fetch('big', {p: 0 for p in wanted}, part_most=BATCH_BYTES)
            if any(not got[p][2] or batches(got[p][2], verify=False)[0].base != 0 for p in wanted):
                raise Unable('the first record is another one')
    return (time.monotonic() - began) * 1000


def run(args, programs, b):
    b.start()
    bench(programs, b, '-m', 'produce', '-t', 'big', '-p', args.partitions, '--create-topic', '-c', 8, '--in-flight', 4,
          '--batch-size', 64, '-s', 1024, '-n', int(args.gib * (1 << 20)))
    for how, sig in ('kill -9', signal.SIGKILL), ('a clean stop', signal.SIGTERM):
        b.stop(sig)
        cache = 'cold' if drop_caches() else 'warm (dropping the page cache takes root)'
        up = b.start() * 1000
        first = first_records(args, b.port)
        print(f'after {how}, {cache}: serves in {up:.0f} ms, first record of {args.partitions} partitions {first:.0f} ms later, '
              f'peak RSS {b.rss_kib(True) >> 10} MiB, read {b.io()["read_bytes"] >> 20} MiB', flush=True)
    stops = b.stop() * 1000
    print(f'a clean stop takes {stops:.0f} ms; after it, warm: serves in {b.start() * 1000:.0f} ms')


def main():
    p = parser(__doc__)
    p.add_argument('--gib', type=float, default=10)
    p.add_argument('--partitions', type=int, default=1000)
    args = p.parse_args()
    with workplace(args.dir) as dir:
        programs = Programs(args.build)
        b = Chronik(programs, os.path.join(dir, 'broker'), 'log.retention.ms=-1')
        try:
            run(args, programs, b)
        except Unable as e:
            sys.exit(f'restart: {e}')
        finally:
            b.stop(signal.SIGKILL)


main()
