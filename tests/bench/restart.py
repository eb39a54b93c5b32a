#!/usr/bin/env python3
"""restart.py BUILDDIR [--gib N] [--partitions N] [--dir DIR]

How long a restart takes: fill a broker over many partitions, kill it with the write-ahead log full, drop the page cache (as root;
without, it says so), start, and fetch the first record of every partition; the same after a clean stop; and a start after a clean stop
with a warm cache. Prints times, the broker's memory, and what it read from the disk."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from client import Client  # noqa: E402
from records import batches  # noqa: E402

AT_ONCE = 50        # partitions asked for in one request
BATCH_BYTES = 80000  # one of those that fill() writes fits, two do not


class Broker:
    def __init__(self, args):
        self.args, self.port_file = args, os.path.join(args.dir, 'port')

    def start(self):
        """Seconds until it serves."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        began = time.monotonic()
        with open(os.path.join(self.args.dir, 'log'), 'a') as log:
            self.process = subprocess.Popen(
                [f'{self.args.build}/chronikd', '-D', os.path.join(self.args.dir, 'data'), '-l', '127.0.0.1:0',
                 '--port-file', self.port_file, '--set', 'log.retention.ms=-1'], stderr=log)
        while not os.path.exists(self.port_file) or not os.path.getsize(self.port_file):
            if self.process.poll() is not None:
                sys.exit(f'restart: chronikd ended with status {self.process.returncode}')
            time.sleep(0.001)
        took = time.monotonic() - began
        with open(self.port_file) as f:
            self.port = int(f.read())
        return took

    def end(self, sig):
        """Seconds until it is gone."""
        began = time.monotonic()
        self.process.send_signal(sig)
        self.process.wait()
        return time.monotonic() - began

    def peak_mib(self):
        with open(f'/proc/{self.process.pid}/status') as f:
            return next(int(line.split()[1]) // 1024 for line in f if line.startswith('VmHWM'))

    def read_mib(self):
        with open(f'/proc/{self.process.pid}/io') as f:
            return next(int(line.split()[1]) >> 20 for line in f if line.startswith('read_bytes'))


def fill(args, port):
    records = int(args.gib * (1 << 30)) // 1024
    subprocess.run([f'{args.build}/chronik-bench', '-b', f'127.0.0.1:{port}', '-m', 'produce', '-t', 'big', '-p', str(args.partitions),
                    '--create-topic', '-c', '8', '--in-flight', '4', '--batch-size', '64', '-s', '1024', '-n', str(records), '-q'],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def first_records(args, port):
    """Seconds until the first record of every partition is here."""
    began = time.monotonic()
    with Client(port) as c:
        for first in range(0, args.partitions, AT_ONCE):
            wanted = range(first, min(first + AT_ONCE, args.partitions))
            got = c.fetch('big', {p: 0 for p in wanted}, part_most=BATCH_BYTES)
            if any(not got[p][2] or batches(got[p][2], verify=False)[0].base != 0 for p in wanted):
                sys.exit('restart: the first record is another one')
    return time.monotonic() - began


def drop_caches():
    os.sync()
    try:
        with open('/proc/sys/vm/drop_caches', 'w') as f:
            f.write('3')
        return 'cold'
    except OSError:
        return 'warm (dropping the page cache takes root)'


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('build')
    p.add_argument('--gib', type=float, default=10)
    p.add_argument('--partitions', type=int, default=1000)
    p.add_argument('--dir')
    args = p.parse_args()
    made = args.dir is None
    args.dir = tempfile.mkdtemp(prefix='chronik-restart-') if made else args.dir
    os.makedirs(args.dir, exist_ok=True)
    b = Broker(args)
    try:
        b.start()
        fill(args, b.port)
        for how, sig in ('kill -9', signal.SIGKILL), ('a clean stop', signal.SIGTERM):
            b.end(sig)
            cache = drop_caches()
            up = b.start()
            first = first_records(args, b.port)
            print(f'after {how}, {cache}: serves in {up * 1000:.0f} ms, first record of {args.partitions} partitions '
                  f'{first * 1000:.0f} ms later, peak RSS {b.peak_mib()} MiB, read {b.read_mib()} MiB', flush=True)
        stops = b.end(signal.SIGTERM)
        print(f'a clean stop takes {stops * 1000:.0f} ms; after it, warm: serves in {b.start() * 1000:.0f} ms')
    finally:
        b.end(signal.SIGKILL)
        if made:
            shutil.rmtree(args.dir)


main()
