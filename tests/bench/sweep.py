#!/usr/bin/env python3
"""sweep.py BUILD [KNOB...] [--rounds N] [--seconds N] [--quick] [--dir DIR] [--json FILE]

Where the defaults stand: each knob of KNOBS turned alone, under three loads, and the number of loops on 1, 2 and 4 processors (broker
and generator bound to them). The values of a knob run in turn, each on a broker of its own, and each round begins with another; a
cell is the median and, in brackets, how it compares with the default's in the same rounds. The last table says how far each default is
from the best value.
"""
import json
import os
import statistics
import sys

from kit import Chronik, Programs, Unable, number, parser, table, workplace
from rows import BULK, Load, Stage, in_turn, small

# The default first.
KNOBS = {
    'wal.group.records': ['0', '16', '128', '1024', '20000'],
    'wal.group.bytes': ['0', '65536', '1048576', '4194304', '104857600'],
    'wal.linger.us': ['0', '50', '200', '1000'],
    'wal.segment.bytes': ['67108864', '4194304', '16777216', '268435456'],
    'wal.max.bytes': ['1073741824', '268435456', '4294967296'],
    'wal.checkpoint.bytes': ['0', '33554432', '134217728', '805306368'],
    'wal.writer.thread': ['auto', 'true', 'false'],
    'wal.loop.write.us': ['1000', '0', '200', '10000'],
    'wal.direct.io': ['true', 'false'],
    'wal.shards': ['1', '2', '4'],
    'wal.profile': ['auto', 'low', 'medium', 'high', 'ultra'],
    'log.buffer.bytes': ['33554432', '0', '4194304', '268435456'],
    'log.write.back.bytes': ['524288', '0', '131072', '4194304'],
}
LOOPS = 'num.network.threads'
PROCESSORS = {1: ['0', '1', '2'], 2: ['0', '1', '2', '4'], 4: ['0', '1', '2', '3', '4', '8']}

FIGURES = {  # name: options, figure, unit, is more better?
    '1 client, p50': (small(1, 1), 'p50', 'µs', False),
    '128 clients, rate': (small(128, 16), 'rate', '/s', True),
    '128 clients, p99': (small(128, 16), 'p99', 'µs', False),
    'bulk, MB/s': (BULK.format(name='bulk', p=16), 'mbps', '', True),
}


def measure(stage, name, values, under=()):
    """{value: {name of FIGURES: [a value a round]}}"""
    for value in values:
        stage.servers[value] = Chronik(stage.programs, stage.new_dir(), f'{name}={value}', under=under)
        stage.servers[value].start()
    got = {value: {} for value in values}
    for options in dict.fromkeys(options for options, *_ in FIGURES.values()):
        by_value = in_turn(stage, [Load(value, value, options, once='--batch-size' in options, under=under) for value in values])
        for title, (of, figure, *_) in FIGURES.items():
            if of == options:
                for value in values:
                    got[value][title] = by_value[value][figure]
    stage.end()
    return got


def knobs(stage, chosen):
    """{(knob, default): what measure() gives}"""
    for knob, values in KNOBS.items():
        if knob in chosen:
            yield knob, measure(stage, knob, values)
    if LOOPS in chosen:
        for n, values in PROCESSORS.items():
            if n <= os.cpu_count():
                last = f'0-{n - 1}'
                yield f'{LOOPS}, {n} processors', measure(stage, LOOPS, values, ('taskset', '-c', last))


def gain(title, values, default):
    """How much better, as a factor: 1 is as good."""
    quotient = statistics.median(values) / statistics.median(default)
    return quotient if FIGURES[title][3] else 1 / quotient


def turned(results):
    rows = []
    for knob, got in results.items():
        default = next(iter(got.values()))
        for value, figures in got.items():
            cells = [f'{number(statistics.median(figures[t]))} {FIGURES[t][2]}'.strip()
                     + (f' ({statistics.median(figures[t]) / statistics.median(default[t]):.2f})' if figures is not default else '')
                     for t in FIGURES]
            rows.append([knob if figures is default else '', f'**{value}**' if figures is default else value, *cells])
    return table(['knob', 'value (default first)', *FIGURES], rows)


def verdicts(results):
    """The best value of each figure, and by how much it is better than the default. In the noise: its worst round is not better
    than the default's best."""
    rows = []
    for knob, got in results.items():
        first, default = next(iter(got.items()))
        cells = []
        for title, (*_, more) in FIGURES.items():
            best = max(got, key=lambda value: gain(title, got[value][title], default[title]))
            ours, theirs = default[title], got[best][title]
            clear = min(theirs) > max(ours) if more else max(theirs) < min(ours)
            cells.append('the default' if best == first else f'{best}: {gain(title, theirs, ours):.2f}{"" if clear else ", in the noise"}')
        rows.append([knob, first, *cells])
    return table(['knob', 'default', *(f'best for {t}' for t in FIGURES)], rows)


def main():
    p = parser(__doc__)
    p.add_argument('knob', nargs='*')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--seconds', type=float, default=2)
    p.add_argument('--quick', action='store_true', help='one round of half a second')
    p.add_argument('--json')
    args = p.parse_intermixed_args()
    unknown = set(args.knob) - {*KNOBS, LOOPS}
    if unknown:
        p.error(f'no such knob: {", ".join(unknown)}')
    results = {}
    with workplace(args.dir) as dir:
        stage = Stage(Programs(args.build), dir, 0 if args.quick else 1)
        stage.rounds, stage.seconds = (1, 0.5) if args.quick else (args.rounds, args.seconds)
        try:
            for knob, got in knobs(stage, args.knob or [*KNOBS, LOOPS]):
                results[knob] = got
                print(f'sweep: {knob}', file=sys.stderr)
                if args.json:
                    with open(args.json, 'w') as f:
                        json.dump(results, f, indent=1)
        except Unable as e:
            sys.exit(f'sweep: {e}')
        finally:
            stage.end()
        print('\n'.join([*turned(results), '', *verdicts(results)]))


if __name__ == '__main__':
    main()
