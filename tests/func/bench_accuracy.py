#!/usr/bin/env python3
"""chronik-bench tells the truth about latency: against a broker whose delays are known, every quantile lies between what
the broker's own record makes of it from below and from above. Nothing here depends on the speed of the machine: a
slow one makes both bounds longer."""
import json
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from metronome import COARSE, ROUNDING_US, Metronome, quantile  # noqa: E402  (finds tests/common)
from tap import Tap  # noqa: E402

QUANTILES = {'p50': 50, 'p90': 90, 'p95': 95, 'p99': 99, 'p999': 99.9, 'p9999': 99.99, 'max': 100}


def bench(broker, *options):
    """Run it against the broker; its report."""
    path = os.path.join(t.work, 'report')
    cmd = ['./chronik-bench', '-q', '-b', f'127.0.0.1:{broker.port}', '-t', 't', '-s', '64', '--acks', 'all',
           '--json-output', path, *options]
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL)
    with open(path, encoding='utf-8') as f:
        return json.load(f)


def between(report, requests, what, upper=True):
    """The report's quantiles lie between the record's."""
    least, most = [q.least for q in requests], [q.most for q in requests] if upper else None
    wrong = []
    for name, p in QUANTILES.items():
        told = report['latency_us'][name]
        low, high = quantile(least, p), quantile(most, p) * COARSE if upper else math.inf
        if not low - ROUNDING_US <= told <= high + ROUNDING_US:
            wrong.append(f'{name} {told}: not within {low:.1f} to {high:.1f} us')
    t.ok(not wrong, what, '\n'.join(wrong))


def spacing(requests, due_ns, what):
    """They were due at fixed times, whatever became of them."""
    due = sorted(q.due for q in requests)
    odd = [(a, b) for a, b in zip(due, due[1:]) if abs(b - a - due_ns) > 1]
    t.ok(not odd, what, odd[:5])


def closed_loop():
    """Here a request is due when the answer before it has come."""
    with Metronome(delay=0.004) as m:
        report = bench(m, '-c', '1', '-n', '200')
    t.same(len(m.requests), 200, 'a fixed delay: as many requests as were asked for')
    t.ok(report['latency_us']['min'] >= 4000, 'no answer is told to be faster than the delay', report['latency_us'])
    between(report, m.requests, 'and all quantiles are within what the broker saw')
    early = [i for i, (a, b) in enumerate(zip(m.requests, m.requests[1:])) if not a.sent <= b.due <= b.received]
    t.ok(not early, 'each was due when the one before was answered, before it was received', early)

    with Metronome(delay=0.002) as m:
        report = bench(m, '-c', '5', '--threads', '2', '-n', '300')
    between(report, m.requests, 'so they are over several clients on two threads')

    with Metronome(delay=0.001, stall=0.1) as m:
        report = bench(m, '-c', '1', '-d', '1500ms')
    t.ok(m.stalls >= 1 and report['latency_us']['max'] >= 100000, 'a standstill of 100 ms shows in the maximum',
         report['latency_us'])
    between(report, m.requests, 'and all quantiles are true, though one request met it and its like never began')


def open_loop():
    """Here requests are due at fixed times, and those that a standstill keeps from being sent have waited too."""
    with Metronome(delay=0.001, stall=0.1) as m:
        report = bench(m, '-c', '1', '-n', '400', '--rate-limit', '200')
    t.same((len(m.requests), m.stalls), (400, 2), 'a rate: all requests, two standstills of 100 ms, one in 200 requests')
    t.ok(report['latency_us']['p99'] >= 80000, 'yet they show in p99: no coordinated omission', report['latency_us'])
    spacing(m.requests, 5000000, 'because requests were due every 5 ms all the same')
    between(report, m.requests, 'and all quantiles are within what the broker saw')

    with Metronome(delay=0.001, stall=0.1, partitions=3) as m:
        report = bench(m, '-c', '3', '--threads', '2', '--in-flight', '8', '--batch-size', '2', '-n', '600',
                       '--rate-limit', '600')
    t.same(len(m.requests), 300, 'a rate of records over three clients, two a request: half as many requests')
    spacing(m.requests, 3333333, 'each at its time')
    between(report, m.requests, 'and no quantile is below what the broker saw, with several in flight', upper=False)
    t.ok(report['latency_us']['p95'] >= 40000, 'where a standstill of a tenth of the time shows in p95',
         report['latency_us'])


with Tap() as t:
    closed_loop()
    open_loop()
