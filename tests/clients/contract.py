"""What run.sh asks of a client, and how one in Python is asked.

    CLIENT version                                  what it is, one line
    CLIENT codecs                                   that it can write, "none" among them
    CLIENT produce BROKER TOPIC CODEC FILE          every line of FILE, "key TAB value", a record
    CLIENT idempotent BROKER TOPIC CODEC FILE       the same as an idempotent producer
    CLIENT consume BROKER TOPIC COUNT               so many records from the start, as such lines
    CLIENT group BROKER TOPIC GROUP COUNT           the next so many of a group, committed, as lines
    CLIENT share BROKER TOPIC GROUP PARTITIONS      two members at once, until they share them all
    CLIENT admin BROKER TOPIC                       create, describe, find settings of, alter, delete it

The exit status is 0 if all of it went as it should. What a client cannot do ends with status 77.
A module has functions of these names, with the arguments parsed; consume and group yield (key,
value); share gives two objects with assigned(), the set of partitions, asked from threads of their
own, and close().
"""
import inspect
import sys
import threading
import time

PATIENCE = 180  # seconds


def read_lines(path):
    """[(key, value)]"""
    with open(path, 'rb') as f:
        return [tuple(line.split(b'\t', 1)) for line in f.read().split(b'\n') if line]


def write_lines(records):
    for key, value in records:
        sys.stdout.buffer.write(key + b'\t' + value + b'\n')


def watch_share(members, partitions):
    """Poll both members until each has some partitions, none has two owners, and none is missing."""
    seen, done = [set(), set()], threading.Event()

    def watch(i):
        while not done.is_set():
            seen[i] = members[i].assigned()

    threads = [threading.Thread(target=watch, args=(i,)) for i in (0, 1)]
    for t in threads:
        t.start()
    end = time.monotonic() + PATIENCE
    shared = False
    while not shared and time.monotonic() < end:
        a, b = seen
        shared = a and b and not a & b and a | b == set(range(partitions))
        time.sleep(0.05)
    done.set()
    for t in threads:
        t.join()
    for m in members:
        m.close()
    print(' | '.join(' '.join(map(str, sorted(s))) for s in seen))
    return shared


def main(client):
    command, arguments = sys.argv[1], sys.argv[2:]
    function = getattr(client, command, None)
    if function is None:
        print(f'{command} is nothing this client does', file=sys.stderr)
        sys.exit(77)
    if command == 'share':
        broker, topic, group, partitions = arguments
        sys.exit(0 if watch_share(function(broker, topic, group), int(partitions)) else 1)
    names = list(inspect.signature(function).parameters)
    values = [int(v) if n == 'count' else v for n, v in zip(names, arguments)]
    result = function(*values)
    if command in ('consume', 'group'):
        write_lines(result)
    elif result is not None:
        print(result)
