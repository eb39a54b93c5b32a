"""What a broker was doing when it was killed, from what it left on its disk."""
import json
import os
import struct
import subprocess

from broker import program

BLOCK = 4096
SEGMENT_ID = struct.Struct('<8s8xQ')  # magic, version and CRC, id: at the start of a segment


def names(path):
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def is_recycled(path):
    """A segment under its temporary name: does it hold anything of a former life?"""
    with open(path, 'rb') as f:
        head, rest = f.read(BLOCK), f.read(1 << 20)
    magic, number = SEGMENT_ID.unpack_from(head.ljust(SEGMENT_ID.size, b'\0'))
    other = magic == b'CHRONWAL' and number != int(os.path.basename(path).split('.')[0])
    return other or any(rest)


def in_wal(path):
    for name in names(path):
        if name.startswith('checkpoint.') and name.endswith('.tmp'):
            yield 'checkpoint'
        elif name.endswith('.tmp'):
            yield 'recycling' if is_recycled(os.path.join(path, name)) else 'roll'


def in_logs(path):
    for name in names(path):
        if name.endswith('-delete'):
            yield 'topic delete'
        elif name.endswith('-new'):
            yield 'partition made'
        for file in names(os.path.join(path, name)):
            if file.endswith(('.cleaned', '.swap')):
                yield 'compaction'


def unfinished_trims(broker_dir):
    """Log starts that are in the log for good, with files below them still there."""
    done = subprocess.run([program('chronik-wal'), 'dump', '--type', 'TRIM', '-o', 'jsonl',
                           broker_dir], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        trim = json.loads(line)
        files = names(f'{broker_dir}/log/{trim["topic"]}-{trim["partition"]}')
        bases = [int(f[:-4]) for f in files if f.endswith('.log')]
        if any(following <= trim['detail']['log_start'] for following in bases[1:]):
            return True
    return False


def under_way(broker_dir):
    """The names of what was not finished."""
    found = set(in_wal(f'{broker_dir}/wal/0')) | set(in_wal(f'{broker_dir}/wal/1'))
    found |= set(in_logs(f'{broker_dir}/log'))
    if any(n.endswith('.tmp') for n in names(f'{broker_dir}/meta')):
        found.add('snapshot')
    if unfinished_trims(broker_dir):
        found.add('retention')
    return found
