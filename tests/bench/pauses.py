#!/usr/bin/env python3
"""pauses.py BUILD [--rate N] [--seconds N] [--rounds N] [--partitions N] [--checkpoint-bytes N] [--dir DIR]

What a checkpoint costs those who wait for an acknowledgement: an open loop of 128 clients (chronik-bench --rate-limit, acks=all, 256 B)
while checkpoints are made, with partition logs written back as they grow (the default), with log.write.back.bytes=0, and without
checkpoints; beside them `chronik-bench -m disk`, the same disk with nothing else to do. They take turns, and a cell is the median of the
rounds with their range, in milliseconds. The last column is the most that the partitions' files had in the page cache and not on the
way to the disk, in MiB, which a sync would have to write (Linux 6.5): it does not depend on how busy the machine is. Each round says whether a pause was longer than 50 ms and twice the longest of the disk.

Every run has a new directory, and none is removed before the last: some file systems are slow for minutes after that."""
import ctypes
import glob
import os
import statistics
import struct
import sys
import threading

from kit import Chronik, Programs, bench, cell, parser, table, workplace

NEVER = 1 << 40
GROWING, DISK = 'written back as they grow', 'disk'
SUBJECTS = {GROWING: (), 'written back by checkpoints alone': ('log.write.back.bytes=0',),
            'no checkpoints': (f'wal.checkpoint.bytes={NEVER}', f'wal.max.bytes={NEVER}', 'wal.checkpoint.ms=0')}
FIGURES = {'p50': 'p50', 'p99': 'p99', 'p99.9': 'p999', 'max': 'max'}
CACHESTAT = 451  # the system call's number, the same everywhere
PAGES_OF_A_MIB = (1 << 20) // os.sysconf('SC_PAGE_SIZE')


class Dirty(threading.Thread):
    """Looks at the partitions' files of a broker every few milliseconds; .most is NaN where the kernel does not tell."""

    def __init__(self, broker):
        super().__init__()
        self.pattern, self.most, self.over = os.path.join(broker.data, 'log', '*', '*.log'), 0.0, threading.Event()

    def pages(self, path):
        fd, found = os.open(path, os.O_RDONLY), ctypes.create_string_buffer(40)
        failed = ctypes.CDLL(None).syscall(CACHESTAT, fd, struct.pack('QQ', 0, 0), found, 0)
        os.close(fd)
        return float('nan') if failed else struct.unpack('5Q', found)[1]

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, sum(map(self.pages, glob.glob(self.pattern))) / PAGES_OF_A_MIB)

    def stop(self):
        self.over.set()
        self.join()
        return self.most


def measure(args, programs, name, place):
    if name == DISK:
        return bench(programs, None, '-m', 'disk', '-s', 4096, '--file', place, '-d', f'{args.seconds}s')
    broker = Chronik(programs, place, f'wal.checkpoint.bytes={args.checkpoint_bytes}', *SUBJECTS[name])
    broker.start()
    dirty = Dirty(broker)
    dirty.start()
    try:
        report = bench(programs, broker, '-m', 'produce', '-t', 'pauses', '-p', args.partitions, '--create-topic', '-c', 128, '-s', 256,
                     '--acks', 'all', '--rate-limit', args.rate, '-w', '2s', '-d', f'{args.seconds}s')
        return {**report, 'dirty': dirty.stop()}
    finally:
        dirty.stop()
        broker.stop()


def ms(report, figure):
    return report['latency_us'][FIGURES[figure]] / 1000


def main():
    p = parser(__doc__)
    p.add_argument('--rate', type=int, default=50000)
    p.add_argument('--seconds', type=int, default=30)
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--partitions', type=int, default=16)
    p.add_argument('--checkpoint-bytes', type=int, default=0, help='wal.checkpoint.bytes: small ones make short runs tell more')
    args = p.parse_args()
    programs = Programs(args.build)
    got = {name: [] for name in (DISK, *SUBJECTS)}
    with workplace(args.dir) as place:
        for n in range(args.rounds):
            for name, reports in got.items():
                reports.append(measure(args, programs, name, os.path.join(place, f'{n}-{len(name)}')))
            longest, bound = ms(got[GROWING][-1], 'max'), max(50, 2 * ms(got[DISK][-1], 'max'))
            print(f'pauses: round {n + 1}: longest {longest:.1f} ms, allowed {bound:.1f} ms', file=sys.stderr, flush=True)
    rows = [(name, f'{statistics.median(r["throughput_msg_per_sec"] for r in reports):,.0f}',
             *(cell([ms(r, f) for r in reports]) for f in FIGURES),
             '' if name == DISK else cell([r['dirty'] for r in reports])) for name, reports in got.items()]
    print('\n'.join(table(('partition logs', 'records/s', *FIGURES, 'dirty'), rows)))


if __name__ == '__main__':
    main()
