#!/usr/bin/env python3
"""test_rows.py - what the measuring programs make of their figures, and in which order they take them. Nothing is measured."""
import os
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, '..', 'common')]
import performance  # noqa: E402
import rows  # noqa: E402
import sweep  # noqa: E402
from kit import Unable, counted  # noqa: E402
from rows import Disk, Fio, Goal, Row, in_turn, ratio, resting, turn  # noqa: E402
from tap import Tap  # noqa: E402

AGREE, DIFFER = {'disk': {'rate': [100, 100, 100]}, 'fio': {'rate': [100, 90, 105]}}, \
    {'disk': {'rate': [100, 100, 100]}, 'fio': {'rate': [130, 50, 200]}}


class Stage:
    """Notes what is run, and in which round."""
    size, rounds, seconds = 1, 3, 1

    def __init__(self):
        self.ran, self.failures, self.disk_files, self.dir = [], [], {}, '/nowhere'

    def disk_file(self, name, size=''):
        self.disk_files[name] = {'sync_method': 'O_DIRECT, RWF_DSYNC'}
        return name


class Lane:
    def __init__(self, name, fails=False):
        self.name, self.fails = name, fails

    def given(self, stage):
        return True

    def run(self, stage, n, more):
        stage.ran.append((n, self.name))
        if self.fails and n:
            raise Unable('it fails')
        return {'rate': 10 * n}


def verdict(lanes, goal, on_disk=True):
    return performance.goal_cells(Row('row', 'a row', ['rate'], None, [goal], on_disk=on_disk), goal, lanes)[2]


def judge(t):
    goal = ratio('rate', 'ours', 'theirs', '≥', 2)
    good = {'ours': {'rate': [20, 22, 24]}, 'theirs': {'rate': [10, 10, 10]}}
    bad = {**good, 'ours': {'rate': [10, 11, 12]}}
    t.same(verdict(good, goal, on_disk=False), 'reached', 'a goal that every round reaches')
    t.same(verdict({**good, 'ours': {'rate': [19, 22, 24]}}, goal, on_disk=False), 'reached; not in every round', 'and one did not')
    t.same(verdict(bad, goal, on_disk=False), '**not reached**', 'one that none reaches')
    t.same(verdict({**good, 'ours': {'rate': [10, 11, 24]}}, goal, on_disk=False), '**not reached**; in some rounds it is', 'and one did')
    t.same(verdict({**good, **AGREE}, goal), 'reached', 'a row that waits for the disk, where that is what fio says')
    for lanes in good, bad:
        t.same(verdict({**lanes, **DIFFER}, goal), 'does not count', 'where it is not, nothing is said of the goal')
        t.same(verdict({**lanes, 'disk': AGREE['disk']}, goal), 'not judged: no fio', 'nor where fio is missing')
    t.same(verdict({**good, **DIFFER}, goal, on_disk=False), 'reached', 'what does not wait for the disk counts all the same')
    t.same(verdict(good, ratio('rate', 'ours', 'theirs')), '–', 'what is reported alone has no verdict')
    t.same(verdict({'ours': good['ours']}, goal), '–', 'nor has what was not measured')
    worst = Goal('pause', lambda v: v('ours', 'max') / max(50, 2 * v('ours', 'probe')), '≤', 1, pick=max)
    t.same(worst.values({'ours': {'max': [100, 300, 60], 'probe': [1, 200, 40]}}), (0.75, [2, 0.75, 0.75]),
           'the longest pause of the run is held against the longest of the device, and rounds by themselves')


def agree(t):
    """The medians of disk and fio are the same here, and yet no two rounds are."""
    lanes = {'disk': {'rate': [50, 100, 200]}, 'fio': {'rate': [100, 200, 50]}}
    t.same(rows.agreement(lanes), (0.5, [0.5, 0.5, 4]), 'disk and fio are compared round by round')
    t.same(performance.counts(lanes), False, 'and their medians do not help')
    t.same([performance.counts(lanes) for lanes in (AGREE, DIFFER, {})], [True, False, None], 'they agree, or not, or nobody knows')
    t.ok('does not count' in performance.disk_says(DIFFER) and 'no fio' in performance.disk_says({}), 'which is said')
    goal, = next(row.goals for row in rows.ROWS if row.name == 'disk')
    t.same([goal.reached(goal.values(lanes)[0]) for lanes in (AGREE, DIFFER)], [True, False], 'the goal of their own row is that, too')


def orders(t):
    lanes = [Lane('a'), Disk(), Lane('b'), Fio(), Lane('c')]
    got = [''.join(lane.name[0] for lane in turn(lanes, n)) for n in range(5)]
    t.same(got, ['abcdf', 'bcfda', 'cdfab', 'fdabc', 'abcdf'], 'each lane is first in its turn; disk and fio stay together')
    t.same([[lane.name for lane in turn([Fio(), Disk()], n)] for n in range(2)], [['fio', 'disk'], ['disk', 'fio']], 'and change places')
    rests, rows.rest = [], lambda seconds: rests.append(seconds)
    stage = Stage()
    got = in_turn(stage, [Lane('a'), Lane('b'), Lane('c', fails=True)], on_disk=True)
    t.same([name for n, name in stage.ran if n == 1], ['b', 'c', 'c', 'a'], 'lanes run in that order; one that fails has a second try')
    t.same(got, {'a': {'rate': [0, 10, 20]}, 'b': {'rate': [0, 10, 20]}}, 'figures stand by round; a lane that failed is left out')
    t.same(set(rests), {1}, 'lanes that wait for the disk begin after a rest')
    a, disk, fio = Lane('a'), Disk(), Fio()
    t.same([resting(stage, *which) for which in ((disk, a, True), (fio, disk, True), (a, disk, True), (a, disk, False), (disk, None, False))],
           [5, 1, 1, 0, 5], 'the disk alone after a longer one')


def reported(t):
    """Each column that a row shows of a run comes of a report."""
    report = {'mode': 'produce', 'total_messages': 90, 'warmup_messages': 10, 'message_size': 100, 'throughput_msg_per_sec': 9,
              'throughput_mb_per_sec': 2, 'latency_us': {'p50': 1, 'p99': 2, 'p999': 3, 'max': 4},
              'bench_busiest_thread_pct': 50, 'bench_busiest_wait_pct': 20,
              'server': {'cpu_us': 200, 'rchar': 30000, 'wchar': 40000, 'write_bytes': 50000}}
    got = rows.figures(report)
    t.same((got['driver'], got['driver_wait'], got['cpu'], got['asked'], got['written']), (50, 20, 2, 4, 5), 'what a report says is shown')
    beside = {'probe', 'beside'}
    t.same(set(rows.COLUMNS) - set(got) - beside, set(), 'in every column')
    t.same(set(got) - set(rows.COLUMNS), set(), 'and none has no heading')
    t.same([c for row in rows.ROWS for c in row.columns or () if c not in rows.COLUMNS], [], 'that a row has')


def fio(t):
    commands = []

    def run(command, **more):
        commands.append(command)
        return type('Done', (), {'stdout': '{"jobs": [{"write": {"iops": 5}}]}'})
    rows.subprocess = type('Subprocess', (), {'run': staticmethod(run), 'CalledProcessError': OSError})
    stage = Stage()
    t.same(Fio(1).run(stage, 0, {}), {'rate': 5}, 'fio runs')
    t.ok(all({'--direct=1', '--sync=dsync'} <= set(c) for c in commands), 'and syncs as -m disk does', commands)
    t.same(['--create_only=1' in c for c in commands], [True, False], 'in a file that was laid out before')


def defaults(t):
    """What the sweep calls a knob's default is that of the broker."""
    with open(os.path.join(here, '..', '..', 'broker', 'settings.def')) as f:
        of = dict(re.findall(r'"([a-z.]+)", "([^"]*)"', f.read()))
    t.same({knob: values[0] for knob, values in sweep.KNOBS.items()}, {knob: of.get(knob) for knob in sweep.KNOBS},
           'the sweep turns knobs away from their defaults')
    t.same({values[0] for values in sweep.PROCESSORS.values()}, {of[sweep.LOOPS]}, 'and the number of loops')


def usage(t):
    """A usage text may hold what argparse would expand."""
    programs = ['cost.py', 'pauses.py', 'performance.py', 'restart.py', 'sweep.py']
    helps = [subprocess.run([sys.executable, '-B', os.path.join(here, p), '--help'], text=True, capture_output=True) for p in programs]
    t.same([p for p, got in zip(programs, helps) if got.returncode or p not in got.stdout], [], 'each program tells how it is called')


with Tap() as t:
    defaults(t)
    usage(t)
    judge(t)
    agree(t)
    orders(t)
    reported(t)
    fio(t)
    t.same([counted(n, 'round') for n in (1, 2, 1000)], ['1 round', '2 rounds', '1,000 rounds'], 'one is not many')
    titles = [row.title for row in rows.ROWS]
    t.ok(len(set(titles)) == len(titles) and not any('the same' in title for title in titles), 'each row says for itself what it is', titles)
