#!/usr/bin/env python3
"""performance.py BUILD [ROW...] [--quick | --whole] [--rounds N] [--seconds N] [--responder PROGRAM] [--kafka DIR]
                      [--dir DIR] [--json FILE]
       performance.py --print FILE...

Measure chronikd with chronik-bench, and print the tables of docs/performance.md; without ROW all of rows.py. Lanes of a row run in
turn, round after round, each round beginning with another; a cell is the median of the rounds and their range. What is measured
against its goal is the quotient of medians (of pauses that of the longest), its range that of the quotients of single rounds;
where that range crosses the limit the verdict says so. A row that waits for the disk is judged only where -m disk and fio agree
within 15 %. The status is 0 if every row could be measured, whatever came of it.

--responder: `PROGRAM PORT null` answers Produce at once, `PROGRAM PORT wal FILE` after an ideal group commit. Each has one thread, so
that is no limit for a program of several. Else $RESPONDER, else left out.
--kafka: an unpacked archive of Apache Kafka 4; its JVM is warmed up for 15 s. Else $KAFKA_HOME, else left out.
--quick: one round of a second; --whole: rounds as long as the goals ask for. --json: keep the raw results, which --print prints
again, of several files the last one of each row.
"""
import json
import os
import platform
import statistics
import sys
import time

from kit import Programs, Unable, cell, counted, number, parser, table, workplace
from rows import COLUMNS, ROWS, TOLERANCE, Stage, agreement


def environment(args):
    return {'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'cores': os.cpu_count(), 'kernel': platform.release(),
            'command': ' '.join(sys.argv), 'load': os.getloadavg()[0]}


def counts(lanes):
    """Does a row that waits for the disk count? None: not known."""
    got = agreement(lanes)
    return got and abs(got[0] - 1) <= TOLERANCE


def disk_says(lanes):
    if not agreement(lanes):
        return f'Not judged: no {"disk" if "fio" in lanes else "fio"}.'
    disk, fio = (statistics.median(lanes[name]['rate']) for name in ('disk', 'fio'))
    verdict = 'the row counts' if counts(lanes) else '**the row does not count**'
    return f'Disk {number(disk)} syncs a second, fio {number(fio)} ({agreement(lanes)[0]:.2f} in the median of rounds): {verdict}.'


def lanes_table(row, lanes):
    if row.columns is None:
        return table(['', 'measured'], [[name, cell(values, unit)] for name, one in lanes.items() for unit, values in one.items()])
    head = ['', *(COLUMNS[c][0] for c in row.columns)]
    shown = [[name, *(cell(one[c], COLUMNS[c][1]) if c in one else '–' for c in row.columns)]
             for name, one in lanes.items() if (row.lanes is None or name in row.lanes) and any(c in one for c in row.columns)]
    return table(head, shown)


def verdict(row, goal, lanes, whole, rounds):
    if not goal.sign:
        return '–'
    if row.on_disk and not agreement(lanes):
        return f'not judged: no {"disk" if "fio" in lanes else "fio"}'
    if row.on_disk and not counts(lanes):
        return 'does not count'
    each = [goal.reached(value) for value in rounds]
    if goal.reached(whole):
        return 'reached' if all(each) else 'reached; not in every round'
    return '**not reached**; in some rounds it is' if any(each) else '**not reached**'


def goal_cells(row, goal, lanes):
    got = goal.values(lanes)
    if got is None:
        return [goal.must(), 'not measured', '–']
    whole, rounds = got
    spread = f' ({number(min(rounds))}–{number(max(rounds))})' if len(rounds) > 1 else ''
    return [goal.must(), f'{number(whole)} {goal.unit}'.strip() + spread, verdict(row, goal, lanes, whole, rounds)]


def summary(results):
    rows = [[row.title, *goal_cells(row, goal, results[row.name]['lanes'])]
            for row in ROWS if 'lanes' in results.get(row.name, ()) for goal in row.goals]
    return table(['work', 'must reach', 'measured', ''], rows)


def details(row, result):
    lines = ['', f'**{row.name}**: {row.title}. {counted(result["rounds"], "round")} of {result["seconds"]} s.', '']
    notes = [f'- {lane}: a run failed, and was made again: {why}' for lane, why in result['failed']]
    if row.on_disk:
        notes.append(f'- {disk_says(result["lanes"])}')
    return lines + lanes_table(row, result['lanes']) + ([''] if notes else []) + notes


def show(results):
    print('\n'.join(summary(results)))
    for row in ROWS:
        result = results.get(row.name)
        if result:
            print('\n'.join(details(row, result) if 'lanes' in result else ['', f'**{row.name}**: not measured: {result["unable"]}']))


def measure(stage, row):
    stage.begin(row)
    began = time.monotonic()
    try:
        lanes = row.measure(stage)
        return {'rounds': stage.rounds, 'seconds': stage.seconds, 'lanes': lanes, 'failed': stage.failures}
    except (Unable, OSError) as e:
        return {'unable': str(e)}
    finally:
        print(f'{row.name}: {time.monotonic() - began:.0f} s', file=sys.stderr)


def main():
    p = parser(__doc__)
    p.add_argument('row', nargs='*')
    p.add_argument('--quick', dest='size', action='store_const', const=0, default=1)
    p.add_argument('--whole', dest='size', action='store_const', const=2)
    p.add_argument('--rounds', type=int)
    p.add_argument('--seconds', type=float)
    p.add_argument('--responder', default=os.environ.get('RESPONDER'))
    p.add_argument('--kafka', default=os.environ.get('KAFKA_HOME'))
    p.add_argument('--json')
    p.add_argument('--print', action='store_true')
    args = p.parse_intermixed_args()
    results = {}
    if args.print:
        for path in [args.build, *args.row]:
            with open(path) as f:
                results |= json.load(f)['rows']
        show(results)
        return 0
    unknown = set(args.row) - {row.name for row in ROWS}
    if unknown:
        p.error(f'no such row: {", ".join(unknown)}; there are {", ".join(row.name for row in ROWS)}')
    chosen = [row for row in ROWS if not args.row or row.name in args.row]
    with workplace(args.dir) as dir:
        stage = Stage(Programs(args.build), dir, args.size, args.rounds, args.seconds, args.responder, args.kafka)
        try:
            for row, then in zip(chosen, [*chosen[1:], None]):
                results[row.name] = measure(stage, row)
                stage.end(keep=[kind for kind in (then.kinds if then else ()) if kind.startswith('kafka')])
                if args.json:
                    with open(args.json, 'w') as f:
                        json.dump({'environment': environment(args), 'rows': results}, f, indent=1)
        finally:
            stage.end()
            show(results)  # before what may take minutes, to remove files
    return any('unable' in result or any(lane not in result['lanes'] for lane, _ in result['failed'])
               for result in results.values())


if __name__ == '__main__':
    sys.exit(main())
