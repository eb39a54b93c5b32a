#!/usr/bin/env python3
"""cost.py BUILD [--load one|closed|open|bulk|gzip|consume] [--seconds N] [--responder PROGRAM] [--dir DIR]

Where a request's cost goes, as the tables of docs/performance.md: processor time by thread and by stage, system calls by thread, beside an
ideal group commit's. Three runs of the same load: one that is only timed, one that perf samples, one whose system calls perf counts;
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
    ('expand', 'loop', r'codec_\w+|records_\w+|batch_admit_records|isal_\w+|decode_huffman\w+|crc32_gzip\w*'),
    ('receive', 'loop', r'conn_in_\w+|feed'),
    ('parse', 'loop', r'request_(decode|start|new)|kp_decode\w*|decode_\w+|complete'),
    ('choose what to fetch', 'loop|reader', r'h_fetch|fetch_\w+|choose|chosen|take_slice|fill_records|plog_(read|slice|locate)\w*'),
    ('check', 'loop', r'check_\w+|batch_(admit|peek)\w*|crc32\w*|topics_\w+|image_\w+|h_produce'),
    ('stage', 'loop', r'stage_all|stage_one|inbox_post|shard_post\w*'),
    ('reply', 'loop', r'request_(reply|free|done)|kp_encode\w*|encode_\w+|come_home|stage_done|finish|take_out'),
    ('send', 'loop', r'conn_out_\w+|send_some|settle'),
    ('group', 'shard', r'data_(gather|hint)|start_write|wal_(writer|payload)_\w+|wal_write_(begin|local|seal)|shard_takes_\w+'),
    ('write and sync', 'shard|writer', r'wal_write_run|posix_commit|io_commit|crc32\w*'),
    ('partition logs', '', r'plog_\w+|data_buffer\w*|write_run|posix_pwritev?'),
    ('apply', 'shard', r'data_\w+|shard_(apply|written|advance)|partitions_\w+|wal_frame_\w+|part_done'),
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

    def __init__(self, args, stage, server):
        self.args, self.stage, self.server = args, stage, server
        self.options = [*LOADS[args.load].split(), '-d', ms(args.seconds)]
        if args.load != 'consume':
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


def show_stages(text, cpu):
    shares, unknown = by_stage(text)
    total = sum(n for n, _ in shares.values())
    if not total:
        raise Unable('perf took no samples')
    order = [*dict.fromkeys(stage for stage, _, _ in STAGES), OTHER]
    rows = [[stage, f'{n / total:.1%}', f'{n / total * cpu:.2f} µs', f'{in_kernel / n:.0%}']
            for stage in order for n, in_kernel in [shares[stage]] if n]
    print('\n'.join(['', *table(['stage', 'of all processor time', 'a request', 'of it in the kernel'], rows)]))
    for what, n in unknown.most_common(5):
        if n > total / 100:
            print(f'- other: {n / total:.1%} {what}')


def show_calls(runs):
    n, found = runs.traced()
    rows = [[thread, call, f'{count / n:.3f}', f'{time * 1000 / count:,.0f} µs'] for (thread, call), (count, time)
            in sorted(found.items(), key=lambda item: (item[0][0], -item[1][0])) if count / n >= 0.001]
    print('\n'.join(['', *table(['thread', 'system call', 'a request', 'each takes'], rows)]))


def run(args, stage):
    b = stage.servers['chronik'] = Chronik(stage.programs, stage.new_dir())
    b.start()
    if args.load == 'consume':
        fill(stage, 'chronik', 'read', 4, 2048)
    runs = Runs(args, stage, b)
    rate, threads = runs.timed()
    cpu = sum(threads.values())
    head = ['', 'requests/s', 'CPU a request', *threads]
    rows = [['Chronik', f'{rate:,.0f}', f'{cpu:.2f} µs', *(f'{t:.2f} µs' for t in threads.values())]]
    if args.responder and args.load != 'consume':
        ideal = stage.servers['ideal'] = Responder(args.responder, stage.new_dir(), 'wal')
        ideal.start()
        rate, others = Runs(args, stage, ideal).timed()
        rows.append(['ideal responder', f'{rate:,.0f}', f'{sum(others.values()):.2f} µs', *('–' for _ in threads)])
    print('\n'.join(table(head, rows)))
    if instructions := runs.instructions():
        print(f'\nInstructions outside of the kernel, a request: {number(instructions)}.')
    show_stages(runs.sampled(), cpu)
    show_calls(runs)


def main():
    p = parser(__doc__)
    p.add_argument('--load', choices=LOADS, default='closed')
    p.add_argument('--seconds', type=float, default=10)
    p.add_argument('--responder', default=os.environ.get('RESPONDER'))
    args = p.parse_args()
    if not shutil.which('perf'):
        sys.exit('cost: there is no perf')
    with workplace(args.dir) as dir:
        stage = Stage(Programs(args.build), dir, 1)
        try:
            run(args, stage)
        except (Unable, json.JSONDecodeError, subprocess.CalledProcessError) as e:
            sys.exit(f'cost: {e}')
        finally:
            stage.end()


if __name__ == '__main__':
    main()
