#!/usr/bin/env python3
"""cost.py BUILD [--load one|closed|open|bulk|gzip|consume]... [--seconds N] [--responder PROGRAM] [--dir DIR]

Where a request's cost goes, as the tables of docs/performance.md: processor time by thread and by stage (and how much of it in the kernel),
system calls by thread (and how long each takes, waiting included), beside an ideal group commit's. Three runs of the same load: one that is only timed, one that perf samples, one whose system calls perf counts;
each figure is over the requests of its own run. Takes perf and the right to use it; a build with -g, as is the default.

A sample belongs to the stage of the innermost function that STAGES knows; system calls are their callers'. What STAGES does not know is
named, so that it can be kept up to date.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys

from kit import Chronik, Programs, Responder, Unable, bench, number, parser, table, workplace
from rows import BULK, Stage, fill, ms, small

LOADS = {
    'one': small(1, 1), 'closed': small(128, 16), 'open': small(128, 16) + ' --rate-limit 50000',
    'bulk': BULK.format(name='bulk', p=16),
    'gzip': BULK.format(name='gzip', p=16) + ' --compression gzip --compress-ahead 32',
    'consume': '-m consume -t read -c 4 --repeat',
}
FREQUENCY = 999

# Stage, threads, functions. The first that fits a function counts.
STAGES = [(stage, re.compile(threads), re.compile(f'(?:{functions})$')) for stage, threads, functions in [
    ('expand', 'loop|pool', r'codec_\w+|records_\w+|batch_admit_records|isal_\w+|decode_huffman\w+|crc32_gzip\w*'),
    ('receive', 'loop', r'conn_in_\w+|feed'),
    ('parse', 'loop', r'request_(decode|start|new)|kp_decode\w*|decode_\w+|complete'),
    ('choose what to fetch', 'loop|reader', r'h_fetch|fetch_\w+|choose|chosen|take_slice|fill_records|plog_(read|slice|locate)\w*'),
    ('check', 'loop', r'check_\w+|batch_(admit|peek)\w*|crc32\w*|topics_\w+|image_\w+|h_produce'),
    ('stage', 'loop', r'stage_all|stage_one|inbox_post|shard_post\w*'),
    ('reply', 'loop', r'request_(reply|free|done)|kp_encode\w*|encode_\w+|come_home|stage_done|finish|take_out'),
    ('send', 'loop', r'conn_out_\w+|send_some|settle'),
    ('group', 'shard|loop', r'data_(gather|hint)|start_write|wal_(writer|payload)_\w+|wal_write_(begin|local|seal)|shard_takes_\w+'),
    ('write and sync', 'shard|writer|loop', r'wal_write_run|posix_commit|io_commit|crc32\w*'),
    ('partition logs', '', r'plog_\w+|data_buffer\w*|write_run|posix_pwritev?'),
    ('apply', 'shard|loop', r'data_\w+|shard_(apply|written|advance)|partitions_\w+|wal_frame_\w+|part_done'),
    ('wake-ups', '', r'loop_post|on_wake|on_fd|mailbox_\w+|inbox_\w+|arrive|epoll_wait|event_\w+|evmap_\w+|hooks_run|loop_run|run'),
]]
OTHER = 'other'


def stage_of(thread, functions):
    """functions: innermost first."""
    for function in functions:
        for stage, threads, known in STAGES:
            if threads.match(thread) and known.match(function):
                return stage
    return OTHER


def samples(text):
    """Of perf script: (thread, [function, innermost first], whether in the kernel)."""
    for block in text.split('\n\n'):
        head, *frames = block.strip().split('\n')
        frames = [line.split(None, 1) for line in frames]
        if frames:
            yield head.strip(), [f[1] for f in frames if len(f) == 2], int(frames[0][0], 16) >> 47 > 0


def by_stage(text):
    """{stage: [samples, samples in the kernel]}, and what OTHER is made of."""
    shares, unknown = collections.defaultdict(lambda: [0, 0]), collections.Counter()
    for thread, functions, in_kernel in samples(text):
        stage = stage_of(thread, functions)
        shares[stage][0] += 1
        shares[stage][1] += in_kernel
        if stage == OTHER:
            unknown[f'{thread}: {" < ".join(functions[:3])}'] += 1
    return shares, unknown


def kind(thread):
    return re.sub(r'-?\d+$', '', thread)


def calls(text):
    """Of perf trace -s: {(kind of thread, call): [calls, milliseconds in it]}"""
    found, thread = collections.defaultdict(lambda: [0, 0.0]), None
    for line in text.splitlines():
        if head := re.match(r' (\S.*) \(\d+\), \d+ events', line):
            thread = kind(head[1])
        elif row := re.match(r'   (\w+) +(\d+) +\d+ +([\d.]+) ', line):
            found[thread, row[1]][0] += int(row[2])
            found[thread, row[1]][1] += float(row[3])
    return found


def cpu_by_thread(server):
    """Microseconds."""
    out, tasks = collections.Counter(), f'/proc/{server.process.pid}/task'
    for task in os.listdir(tasks):
        with open(f'{tasks}/{task}/comm') as name, open(f'{tasks}/{task}/schedstat') as times:
            out[kind(name.read().strip())] += int(times.read().split()[0]) / 1000
    return out


class Runs:
    """Of one load against one server."""

    def __init__(self, args, stage, server, load):
        self.stage, self.server = stage, server
        self.options = [*LOADS[load].split(), '-d', ms(args.seconds)]
        if load != 'consume':
            stage.settle(server, self.options[:-2])

    def requests(self, under=()):
        report = bench(self.stage.programs, self.server, *self.options, under=under)
        return report['total_requests'], report

    def timed(self):
        """Requests a second; {kind of thread: microseconds a request}."""
        before = cpu_by_thread(self.server)
        n, report = self.requests()
        after = cpu_by_thread(self.server)
        return n / report['duration_secs'], {thread: (after[thread] - before[thread]) / n for thread in after
                                               if after[thread] - before[thread] > n / 1000}

    def perf(self, *words):
        return ['perf', *words, '-p', str(self.server.process.pid), '-o', os.path.join(self.stage.dir, words[0]), '--']

    def sampled(self):
        self.requests(self.perf('record', '-q', '-F', str(FREQUENCY), '--call-graph', 'dwarf,4096'))
        return subprocess.run(['perf', 'script', '-i', os.path.join(self.stage.dir, 'record'), '--no-inline', '-F', 'comm,ip,sym'],
                              capture_output=True, text=True, check=True).stdout

    def traced(self):
        n, _ = self.requests(self.perf('trace', '-s'))
        with open(os.path.join(self.stage.dir, 'trace')) as f:
            return n, calls(f.read())

    def instructions(self):
        """A request's, outside of the kernel; None where the processor does not tell."""
        n, _ = self.requests(self.perf('stat', '-x,', '-e', 'instructions:u'))
        with open(os.path.join(self.stage.dir, 'stat')) as f:
            counted = re.search(r'^(\d+),,instructions:u', f.read(), re.M)
        return int(counted[1]) / n if counted else None


def look(args, stage, load):
    """What one load costs: {'rate', 'cpu', 'ideal', 'instructions', 'threads', 'stages', 'calls'}, times in microseconds a request."""
    b = stage.servers['chronik'] = Chronik(stage.programs, stage.new_dir())
    b.start()
    if load == 'consume':
        fill(stage, 'chronik', 'read', 4, 2048)
    runs, got = Runs(args, stage, b, load), {}
    got['rate'], got['threads'] = runs.timed()
    got['cpu'] = sum(got['threads'].values())
    got['ideal'] = None
    if args.responder and load != 'consume':
        ideal = stage.servers['ideal'] = Responder(args.responder, stage.new_dir(), 'wal')
        ideal.start()
        got['ideal'] = sum(Runs(args, stage, ideal, load).timed()[1].values())
    got['instructions'] = runs.instructions()
    shares, unknown = by_stage(runs.sampled())
    total = sum(n for n, _ in shares.values())
    if not total:
        raise Unable('perf took no samples')
    got['stages'] = {name: (n / total * got['cpu'], in_kernel / n) for name, (n, in_kernel) in shares.items() if n}
    for what, n in unknown.most_common(5):
        if n > total / 100:
            print(f'cost: {load}: other: {n / total:.1%} {what}', file=sys.stderr)
    n, found = runs.traced()
    got['calls'] = {key: (count / n, time * 1000 / count) for key, (count, time) in found.items() if count / n >= 0.01}
    stage.end()
    return got


def cell(text, there=True):
    return text if there else '–'


def show_all(found):
    loads = [*found]

    def line(title, of, text):
        return [title, *(cell(text(of(got)) if of(got) is not None else '', of(got) is not None) for got in found.values())]

    rows = [line('requests a second', lambda g: g['rate'], lambda v: f'{v:,.0f}'),
            line('**processor time a request**', lambda g: g['cpu'], lambda v: f'**{v:.1f} µs**'),
            line('ideal responder (one thread)', lambda g: g['ideal'], lambda v: f'{v:.1f} µs'),
            line('instructions outside of the kernel', lambda g: g['instructions'], number)]
    threads = dict.fromkeys(thread for got in found.values() for thread in got['threads'])
    rows += [line(f'thread: {thread}', lambda g, t=thread: g['threads'].get(t), lambda v: f'{v:.1f} µs') for thread in threads]
    order = [*dict.fromkeys(name for name, _, _ in STAGES), OTHER]
    rows += [line(f'stage: {name}', lambda g, n=name: g['stages'].get(n), lambda v: f'{v[0]:.2f} µs ({v[1]:.0%})')
             for name in order if any(name in got['stages'] for got in found.values())]
    print('\n'.join(table(['', *loads], rows)))
    calls = sorted({key for got in found.values() for key in got['calls']}, key=lambda key: (key[0], -max(
        got['calls'].get(key, (0, 0))[0] for got in found.values())))
    print('\n'.join(['', *table(['thread: system call', *loads], [line(f'{thread}: {call}', lambda g, k=(thread, call): g['calls'].get(k),
                                                                lambda v: f'{v[0]:.2f} ({v[1]:,.0f} µs)') for thread, call in calls])]))


def main():
    p = parser(__doc__)
    p.add_argument('--load', choices=LOADS, action='append', help='one or more; all of them otherwise')
    p.add_argument('--seconds', type=float, default=10)
    p.add_argument('--responder', default=os.environ.get('RESPONDER'))
    args = p.parse_args()
    if not shutil.which('perf'):
        sys.exit('cost: there is no perf')
    with workplace(args.dir) as dir:
        stage = Stage(Programs(args.build), dir, 1)
        try:
            show_all({load: look(args, stage, load) for load in args.load or LOADS})
        except (Unable, json.JSONDecodeError, subprocess.CalledProcessError) as e:
            sys.exit(f'cost: {e}')
        finally:
            stage.end()


if __name__ == '__main__':
    main()
