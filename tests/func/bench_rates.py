#!/usr/bin/env python3
"""chronik-bench at several rates, against a broker that cannot answer more than one request in DELAY on a connection,
and that knows itself what it answered when. What the bench says of each rate is held against that record, so
nothing here depends on the speed of the machine: a slow one keeps fewer rates, and then the bench has to say so."""
import collections
import json
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from metronome import COARSE, ROUNDING_US, Metronome, quantile  # noqa: E402  (finds tests/common)
from tap import Tap  # noqa: E402

DELAY = 0.005
LIMIT = 1 / DELAY  # records a second, with one client and one request in flight
KEPT = 0.99
QUANTILES = {'p50_us': 50, 'p90_us': 90, 'p99_us': 99, 'p999_us': 99.9, 'max_us': 100}
NS = 10 ** 9


def bench(broker, *options):
    """Run it against the broker with one client; its process and its document."""
    path = os.path.join(t.work, 'document')
    cmd = ['./chronik-bench', '-q', '-b', f'127.0.0.1:{broker.port}', '-t', 't', '-s', '64', '-c', '1',
           '--json-output', path, *options]
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with open(path, encoding='utf-8') as f:
        return done, json.load(f)


def quantiles_of(step, requests):
    """What is wrong with them, by the broker's record."""
    for name, p in QUANTILES.items():
        low, high = quantile([q.least for q in requests], p), quantile([q.most for q in requests], p) * COARSE
        if not low - ROUNDING_US <= step[name] <= high + ROUNDING_US:
            yield f"at {step['rate']}: {name} {step[name]}: not within {low:.1f} to {high:.1f} us"


def rate_of(step, requests):
    """Answers a second, from the first answer to the last, each of which came between sent and over."""
    first, last, n = requests[0], requests[-1], len(requests) - 1
    low = n * NS / (last.over - first.sent)
    high = n * NS / (last.sent - first.over) if last.sent > first.over else float('inf')
    if not low - 0.1 <= step['achieved'] <= high + 0.1:
        yield f"at {step['rate']}: achieved {step['achieved']}: not within {low:.1f} to {high:.1f}"
    if step['kept'] and step['achieved'] < KEPT * step['rate'] or step['kept'] != (step['why'] is None):
        yield f"at {step['rate']}: kept {step['kept']}, {step['achieved']}, {step['why']}"


def true_to(document, runs, what):
    """The document's steps are the broker's runs: as many requests as were due, quantiles, rate, verdict."""
    steps, wrong = document['steps'], []
    for step, requests in zip(steps, runs):
        due = math.ceil(round(step['rate'] * document['step_secs'], 6))
        if len(requests) != due:
            wrong.append(f"at {step['rate']}: {len(requests)} requests, not {due}")
        gaps = [b.due - a.due for a, b in zip(requests, requests[1:])]
        wrong += [f"at {step['rate']}: a gap of {g} ns" for g in gaps if abs(g - NS / step['rate']) > 1]
        wrong += [*quantiles_of(step, requests), *rate_of(step, requests)]
    t.ok(len(steps) == len(runs) and not wrong, what, '\n'.join([f'{len(steps)} steps, {len(runs)} runs', *wrong]))


def count():
    """What is due in the warm-up is not of the count."""
    with Metronome(delay=DELAY) as m:
        done, report = bench(m, '-n', '40', '-w', '500ms', '--rate-limit', '100')
    t.same((done.returncode, report['total_messages'], report['warmup_messages'], len(m.requests)), (0, 40, 50, 90),
           'a count at a rate begins behind the warm-up')
    with Metronome(delay=DELAY) as m:
        done, report = bench(m, '-n', '30', '-w', '200ms')
    t.same((done.returncode, report['total_messages'], len(m.requests)), (0, 30, 30 + report['warmup_messages']),
           'so it does in a closed loop')
    t.ok(report['warmup_messages'] > 0, 'where the warm-up has requests of its own', report['warmup_messages'])


def ramp():
    with Metronome(delay=DELAY) as m:
        done, document = bench(m, '--ramp', '40:700:x4/500ms')
    steps = document['steps']
    t.same((done.returncode, done.stderr), (0, ''), 'a ramp goes through, whatever the broker can take')
    t.same([s['rate'] for s in steps], [40, 160, 640], 'at the rates that were asked for')
    true_to(document, m.runs(), 'and says of each what the broker saw')
    t.ok(all(s['achieved'] <= LIMIT and not s['kept'] for s in steps if s['rate'] > LIMIT / KEPT),
         'a rate above what the broker can take is not kept', steps)
    last = m.runs()[-1]
    late = sum(q.received > last[-1].due for q in last)
    t.ok(0 < steps[-1]['waiting'] <= late, 'and has a backlog when the last request is due', (steps[-1], late))
    behind = next(s for s in steps if not s['kept'])
    t.same(document['fell_behind_at'], behind['rate'], 'it says where the broker fell behind')
    before = [s['rate'] for s in steps if s['rate'] < behind['rate']]
    t.same(document['kept_up_to'], before[-1] if before else None, 'and what was kept before that')
    lines = done.stdout.splitlines()
    t.same([[float(cell) for cell in line.split()[:2]] for line in lines[1:4]],
           [[s['rate'], s['achieved']] for s in steps], 'the text has a row a step')
    t.ok(f"fell behind   at {behind['rate']} records/s: {behind['why']}" in lines, 'and the verdict', done.stdout)

    with Metronome(delay=0) as m:
        done, document = bench(m, '--ramp', '20:30:5', '-d', '1s', '-o', 'csv', '--csv-output',
                               os.path.join(t.work, 'csv'))
    true_to(document, m.runs(), 'a ramp by addition is told as truly')
    with open(os.path.join(t.work, 'csv'), encoding='utf-8') as f:
        t.same(f.read(), done.stdout, 'rows of CSV go to standard output and to a file')
    t.same([line.split(',')[0] for line in done.stdout.splitlines()], ['rate', '20', '25', '30'], 'one for each rate')


def search(*options):
    """A search for the highest rate on a broker whose limit is known: the bench's process, document, and the runs."""
    with Metronome(delay=DELAY) as m:
        done, document = bench(m, '--find-max', '--lowest-rate', '40', '--resolution', '20', '-d', '600ms', *options)
    return done, document, m.runs()


def sequence(document):
    """What is wrong with the order of the tries."""
    low, high, steps, tries = 0, None, document['steps'], collections.defaultdict(list)
    for before, s in zip([None, *steps], steps):
        again = before and before['rate'] == s['rate']  # a rate that failed is tried again
        if again and s['phase'] not in ('confirm', 'doubt', before['phase']):
            yield f"{s['rate']} is tried again to {s['phase']}"
        due = {'double': 2 * low or 40, 'bisect': high and low + (high - low) // 2, 'confirm': low, 'doubt': high}.get(s['phase'])
        if not again and due and s['rate'] != due:
            yield f"{s['rate']} to {s['phase']}: {due} is due between {low} and {high}"
        if s['phase'] == 'back' and not again:  # nothing counts any more that held below what did not
            tries = collections.defaultdict(list, {rate: held for rate, held in tries.items() if rate >= high})
        tries[s['rate']].append(s['holds'])
        low = max((rate for rate, holds in tries.items() if sum(holds) * 2 > len(holds)), default=0)
        high = min((rate for rate, holds in tries.items() if len(holds) - sum(holds) >= 2 and sum(holds) * 2 < len(holds)), default=None)
    answer, refused = document['max_rate'], document['refused_rate']
    held = [s['holds'] for s in steps if s['rate'] == answer]
    failed = [not s['holds'] for s in steps if s['rate'] == refused]
    if answer and (sum(held) < 2 or sum(held) * 2 <= len(held)):
        yield f'the answer {answer} held {held}'
    if sum(failed) < 3 or sum(failed) * 2 <= len(failed):
        yield f'the refused {refused} failed {failed}'
    if answer and not answer < refused <= answer * 1.2:
        yield f'the answer {answer} is not right below {refused}'


def find_max():
    for _ in range(8):  # a machine that stumbles ends a search early, truthfully, and maybe without an answer
        done, document, runs = search('--slo', 'p50<1s', '--slo', 'max<=1s')
        answer, steps = document['max_rate'], document['steps']
        true_to(document, runs, 'a search says of each try what the broker saw')
        t.ok(not [*sequence(document)], 'it doubles the rate, halves the gap, confirms and doubts',
             [*sequence(document), document['steps']])
        t.same(done.returncode, 0 if answer else 8, 'the status tells whether there is an answer')
        t.same(document['slo'], ['p50<1s', 'max<=1s'], 'the document tells what was asked')
        t.ok((answer or 0) <= LIMIT / KEPT, 'no answer is above the limit', document)
        if answer:
            break
    if answer:
        t.same((steps[-1]['rate'], steps[-1]['phase'], steps[-1]['holds']), (document['refused_rate'], 'doubt', False),
               'the last row is what was refused, once more')
        t.ok(f'maximum       {answer} records/s held twice' in done.stdout.splitlines(), 'the text tells the answer',
             done.stdout)
    else:
        t.skip('an answer', f'this machine keeps not even the lowest rate: {steps[-1]["why"]}')

    done, document, runs = search('--slo', 'p50<1s', '--slo', f'p50<{DELAY * 1e3}ms')
    t.same((done.returncode, len(runs), document['max_rate'], document['refused_rate']), (8, 3, None, 40),
           'what no answer can be is refused at the lowest rate, three times, with status 8')
    *_, only = document['steps']
    t.ok(only['why'] in done.stderr and done.stderr.count('\n') == 1, 'and told in a line', done.stderr)
    t.ok(not only['kept'] or f'not p50<{DELAY * 1e3}ms' in only['why'], 'with the objective that was missed', only)

    with Metronome(delay=DELAY) as m:
        done = subprocess.run(['./chronik-bench', '-b', f'127.0.0.1:{m.port}', '-t', 't', '--find-max', '--slo', 'max<1s',
                               '--slo', 'p90<1s', '--lowest-rate', '49', '-d', '2s'], capture_output=True, text=True)
        t.same((done.returncode, done.stdout, m.requests), (2, '', []), 'a percentile of too few requests is misuse')
    t.ok(done.stderr.count('\n') == 1 and '9.8 lie above' in done.stderr, 'and told in a line', done.stderr)


def ceiling():
    """With a broker of its own in the same process: nothing of it is to reach the broker that is measured."""
    with Metronome(delay=DELAY, partitions=3) as m:
        done, document = bench(m, '-n', '60', '--ceiling')
    t.same((done.returncode, len(m.requests)), (0, 60), 'the ceiling is measured without the broker')
    t.same(document['bench_ceiling'], 'measured', 'the report says that it was')
    t.ok(document['bench_ceiling_msg_per_sec'] > document['throughput_msg_per_sec'],
         'and that the bench can drive more than a broker that takes its time', document['bench_ceiling_msg_per_sec'])
    t.ok(f"{document['bench_ceiling_msg_per_sec']:.0f} records/s is what it could drive (measured)" in done.stdout,
         'the text tells it', done.stdout)

    with Metronome(delay=DELAY) as m:
        done, document = bench(m, '--ramp', '40:80:40/500ms', '--ceiling')
    t.same((done.returncode, done.stderr, len(m.runs())), (0, '', 2), 'in a ramp it is measured beside the steps')
    t.ok(document['bench_ceiling_msg_per_sec'] > 0, 'and told once', document)
    true_to(document, m.runs(), 'which it leaves as they were')


with Tap() as t:
    count()
    ramp()
    ceiling()
    find_max()
