"""chronikd's life: readiness, one broker a directory, settings, stopping, starting again."""
import glob
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import BUILD, PATIENCE, Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from strace import may_strace  # noqa: E402
from tap import Tap  # noqa: E402

CHRONIKD = os.path.join(BUILD, 'chronikd')


def run(*args, **env):
    return subprocess.run([CHRONIKD, *args], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **env})


def is_one_line(text, *words):
    return text.count('\n') == 1 and all(w in text for w in words)


def stopped_while_it_starts(t):
    what = 'told to stop while it starts it ends at once'
    if not may_strace():
        t.skip(what, 'strace is missing or may not trace')
        return
    slow = ['strace', '-D', '-f', '-q', '-o', os.devnull, '-e', 'trace=fsync,fdatasync,syncfs',
            '-e', f'inject=fsync,fdatasync,syncfs:delay_enter=1s']  # each, of which a first start makes several
    for sig in signal.SIGTERM, signal.SIGINT:
        b = Broker(t, dir=f'slow-{sig}', under=slow)
        b.launch()
        until(lambda: os.path.exists(os.path.join(b.dir, 'lock')))
        b.process.send_signal(signal.SIGUSR1)  # which says nothing yet, and ends nothing
        b.process.send_signal(sig)
        t.same(b.process.wait(PATIENCE), 1, what)
        t.ok(any('told to stop before it served' in line for line in b.lines()), 'and says so', b.lines())
        t.same(glob.glob(b.port_file + '*'), [], 'its port file is not left over')
        b.args = b.args[len(slow):]
        b.start()
        t.same(b.stop(), 0, 'the next start begins again')


with Tap() as t, Broker(t) as b:
    t.ok(any('broker: serving' in line for line in b.lines()), 'the port file comes when it serves')
    with b.client() as c:
        t.same(c.create('kept', 2), 0, 'a topic is created')
        t.same(c.produce('kept', {0: batch([b'a', b'b']), 1: batch([b'c'])})[0][:2], (0, 0), 'records are taken')

    r = run('-D', b.dir, '-l', '127.0.0.1:0')
    t.ok(r.returncode == 1 and is_one_line(r.stderr, b.dir), 'a second broker on the directory is refused',
         r.stderr)
    r = run('-D', os.path.join(t.work, 'other'), '-l', f'127.0.0.1:{b.port}')
    t.ok(r.returncode == 1 and is_one_line(r.stderr, str(b.port)), 'a second broker on the port is refused',
         r.stderr)

    waiting = b.client()
    n = waiting.fetch_send('kept', {0: 2}, wait=600000)
    t.same(b.client().metadata(['kept'])['kept'], (0, 2), 'others are served while one waits')
    b.process.send_signal(signal.SIGTERM)
    t.same(waiting.fetch_answer(n)[1][0][:2], (0, 2), 'a waiting fetch is answered before the stop')
    t.ok(waiting.is_closed(), 'then its connection is closed')
    t.same(b.stop(sig=0), 0, 'SIGTERM ends with status 0')

    r = run('-D', b.dir, '-l', '127.0.0.1:0', '--set', 'node.id=2')
    t.ok(r.returncode == 1 and is_one_line(r.stderr, b.dir), "another node's directory is refused", r.stderr)

    stopped_while_it_starts(t)

    for sig in signal.SIGTERM, signal.SIGKILL:
        b.start()
        with b.client() as c:
            t.same(c.metadata(['kept'], create=False)['kept'], (0, 2), 'the topic is there after a restart')
            got = c.fetch('kept', {0: 0, 1: 0})
            t.same([(x[:2]) for x in batches(got[0][2])], [(0, 1)], 'and so are its records')
            t.same(got[1][1], 1, 'of every partition')
        b.stop(sig)

    t.same(run('--check-config').returncode, 0, '--check-config accepts the defaults')
    for what in '--check-config', '--help', '--version':
        with open('/dev/full', 'w') as full:
            r = subprocess.run([CHRONIKD, what], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        t.same((r.returncode, r.stderr), (1, 'chronikd: standard output: No space left on device\n'), f'{what} to a full disk')
    r = run('--check-config', '--set', 'num.partitions=7', CHRONIK_NUM_PARTITIONS='5', CHRONIK_NODE_ID='3')
    t.ok('num.partitions=7  # command line\n' in r.stdout and 'node.id=3  # environment\n' in r.stdout,
         'and prints what holds, and why', r.stdout)
    for args, env, status in [
            (['--set', 'num.partitions=0'], {}, 2), (['--set', 'nonsense'], {}, 2), (['--set', 'a.b=1'], {}, 2),
            (['--bogus'], {}, 2), (['operand'], {}, 2), (['-c', '/nonexistent.json'], {}, 1),
            ([], {'CHRONIK_WAL_PROFILE': 'x'}, 1), (['-l', 'nowhere'], {}, 1),
            (['--set', 'advertised.listeners=PLAINTEXT://0.0.0.0:1'], {}, 1),
            (['-D', '/nonexistent/dir'], {}, 1),
            (['-D', '/nonexistent/dir', '--port-file', os.path.join(t.work, 'unmade.port')], {}, 1),
            (['-D', os.path.join(t.work, 'y'), '--port-file', '/nonexistent/port'], {}, 1)]:
        r = run(*(['-l', '127.0.0.1:0', '-D', os.path.join(t.work, 'x')] + args), **env)
        t.ok(r.returncode == status and is_one_line(r.stderr, 'chronikd: '),
             f'{" ".join(args) or env} is refused with one line', (r.returncode, r.stderr))
    t.ok(not os.path.exists(os.path.join(t.work, 'y')), 'before there is a data directory')
    t.same(glob.glob(os.path.join(t.work, 'unmade.port*')), [], 'nor a port file of a broker that does not serve')
