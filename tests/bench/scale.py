#!/usr/bin/env python3
"""scale.py BINDIR [--partitions N] [--runs N]

Print what a start, idling, many partitions and the administration of topics cost. BINDIR holds the programs themselves (an
installation's bin, or build/.libs with LD_LIBRARY_PATH set to it): libtool's wrappers take longer to start than the broker."""

import argparse
import glob
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

IDLE_SECONDS = 5


class Broker:
    def __init__(self, bindir, dir):
        self.bin, self.dir, self.port_file = bindir, dir, os.path.join(dir, 'port')
        os.makedirs(dir)

    def start(self):
        """Milliseconds until it serves."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        began = time.monotonic()
        with open(os.path.join(self.dir, 'log'), 'a') as log:
            self.process = subprocess.Popen([f'{self.bin}/chronikd', '-D', os.path.join(self.dir, 'data'), '-l', '127.0.0.1:0',
                                             '--port-file', self.port_file], stderr=log)
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None:
                sys.exit(f'scale: chronikd ended with status {self.process.returncode}')
            time.sleep(0.0005)
        took = (time.monotonic() - began) * 1000
        with open(self.port_file) as f:
            self.address = f'127.0.0.1:{int(f.read())}'
        return took

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def run(self, program, *args, stdin=''):
        """Milliseconds it takes."""
        began = time.monotonic()
        subprocess.run([f'{self.bin}/{program}', '-b', self.address, *args], input=stdin, text=True, check=True,
                       stdout=subprocess.DEVNULL)
        return (time.monotonic() - began) * 1000

    def rss_mib(self):
        with open(f'/proc/{self.process.pid}/status') as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith('VmRSS'))

    def cpu_ms(self):
        """Of all threads, by the scheduler's nanoseconds."""
        total = 0
        for path in glob.glob(f'/proc/{self.process.pid}/task/*/schedstat'):
            with open(path) as f:
                total += int(f.read().split()[0])
        return total / 1e6


def say(what, values, unit):
    print(f'{what}: {statistics.median(values):.3g} {unit} ({min(values):.3g}-{max(values):.3g})', flush=True)


def empty_starts(args, dir):
    times = []
    for i in range(args.runs):
        b = Broker(args.bindir, os.path.join(dir, f'empty-{i}'))
        times.append(b.start())
        b.stop()
    say('start on an empty directory', times, 'ms')


def idle(b):
    time.sleep(1)
    before = b.cpu_ms()
    time.sleep(IDLE_SECONDS)
    print(f'idle: {b.rss_mib():.1f} MiB, {(b.cpu_ms() - before) / IDLE_SECONDS:.3f} ms of CPU a second')


def administration(args, b):
    n = args.runs
    say('chronik-topic create', [b.run('chronik-topic', 'create', f'one-{i}') for i in range(n)], 'ms')
    say('chronik-topic list', [b.run('chronik-topic', 'list') for _ in range(n)], 'ms')
    for i in range(3):
        names = ''.join(f'many-{i}-{j}\n' for j in range(1000))
        print(f'1,000 creates from stdin beside {1000 * i} topics: {b.run("chronik-topic", "create", "-", stdin=names):.0f} ms')


def partitions(args, b):
    n = args.partitions
    print(f'create a topic of {n} partitions: {b.run("chronik-topic", "create", "-p", str(n), "wide"):.0f} ms')
    b.run('chronik-bench', '-m', 'produce', '-t', 'wide', '-c', '128', '-s', '256', '-n', str(n * 10), '-q')
    print(f'RSS with {n} partitions written to: {b.rss_mib():.1f} MiB, '
          f'{len(os.listdir(f"/proc/{b.process.pid}/fd"))} descriptors')
    times = []
    for _ in range(args.runs):
        b.stop()
        times.append(b.start())
    say(f'start after a clean stop with {n} partitions', times, 'ms')


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('bindir')
    p.add_argument('--partitions', type=int, default=10000)
    p.add_argument('--runs', type=int, default=5)
    args = p.parse_args()
    dir = tempfile.mkdtemp(prefix='chronik-scale-')
    b = Broker(args.bindir, os.path.join(dir, 'one'))
    try:
        empty_starts(args, dir)
        b.start()
        idle(b)
        administration(args, b)
        partitions(args, b)
    finally:
        if hasattr(b, 'process'):
            b.stop()
        shutil.rmtree(dir)


main()
