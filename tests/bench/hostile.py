#!/usr/bin/env python3
"""hostile.py BUILDDIR [--seconds N] [--clients N]

Print what bad company costs: the latency of a client that writes one record at a time, alone, and while a crowd of others takes
no answers, does not finish its requests, or sends bombs. Figures, not a test: what has to hold on any machine is in
tests/func/test_broker_hostile.py.
"""
import argparse
import contextlib
import os
import resource
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))


def crowd_of(args, b):
    from crowd import Crowd
    return Crowd(b.port, args.clients)


@contextlib.contextmanager
def alone(args, b):
    yield


@contextlib.contextmanager
def unfinished(args, b):
    """Half announce a large request each, half a length of which they send two bytes."""
    from wire import i32
    with crowd_of(args, b) as crowd:
        for i, s in enumerate(crowd.all):
            s.send(i32(100000) + bytes(10) if i % 2 else b'\0\0')
        yield


def settle(b):
    """Wait until all answers are made that will be: making them costs others time, whoever asks."""
    before = None
    while (now := b.stats('loop=0')['Metadata']) != before:
        before = now
        time.sleep(1)


@contextlib.contextmanager
def deaf(args, b):
    """Each asks for a hundred times 26 kB and reads nothing."""
    from wire import METADATA, array, i8, i16, i32, string
    frame = i16(METADATA) + i16(4) + i32(1) + string('deaf') + array([string('wide')]) + i8(0)
    with crowd_of(args, b) as crowd:
        for _ in range(100):
            crowd.send(i32(len(frame)) + frame)
        settle(b)
        yield


@contextlib.contextmanager
def bombers(args, b):
    """Eight send one bomb after the other."""
    from bombs import bombs
    stop = threading.Event()

    def throw():
        with b.client() as c:
            while not stop.is_set():
                for bomb in all_bombs:
                    c.produce('wide', {0: bomb})
    all_bombs = list(bombs().values())
    threads = [threading.Thread(target=throw) for _ in range(8)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        stop.set()
        for one in threads:
            one.join()


def bench(args, b):
    """p50 and p99 of a record at a time, in microseconds, by a process of its own."""
    import json
    import subprocess
    out = subprocess.run([f'{args.build}/chronik-bench', '-b', f'127.0.0.1:{b.port}', '-m', 'produce', '-t', 't', '-c', '4',
                          '-s', '256', '-d', f'{args.seconds}s', '-w', '1s', '-q', '-o', 'json'], stdout=subprocess.PIPE, check=True)
    latency = json.loads(out.stdout)['latency_us']
    return latency['p50'], latency['p99']


def company(args, tap):
    from broker import Broker
    print('| company | p50 | p99 | p99, times alone | peak RSS |\n|---|---|---|---|---|')
    base = None
    for name, kind in [('none', alone), (f'{args.clients} that do not finish requests', unfinished),
                       (f'{args.clients} that take no answers', deaf), ('8 that send bombs', bombers)]:
        with Broker(tap, 'queued.max.request.bytes=33554432', 'socket.request.max.bytes=4194304', dir=kind.__name__) as b:
            with b.client() as c:
                c.create('t')
                c.create('wide', 1000)
            with kind(args, b):
                p50, p99 = bench(args, b)
            base = base or p99
            print(f'| {name} | {p50:,.0f} µs | {p99:,.0f} µs | {p99 / base:.1f} | {b.rss_kib(True) / 1024:.0f} MiB |', flush=True)


class Place:
    """Where brokers put their files."""
    def __init__(self, work):
        self.work = work


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('build')
    parser.add_argument('--seconds', type=int, default=5)
    parser.add_argument('--clients', type=int, default=1000)
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    os.chdir(args.build)  # where Broker looks for programs
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix='chronik-hostile.') as work:
        company(args, Place(work))


if __name__ == '__main__':
    main()
