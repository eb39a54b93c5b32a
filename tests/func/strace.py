"""strace on a running broker: what its threads ask of the kernel, and faults put in between."""
import glob
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE  # noqa: E402


class Strace:
    """While it lasts, strace is attached to every thread of the broker."""

    def __init__(self, broker, *options, out=os.devnull):
        self.pid = broker.process.pid
        self.command = ['strace', '-f', '-q', '-o', out, *options, '-p', str(self.pid)]

    def threads(self):
        """{id: name}"""
        tasks = f'/proc/{self.pid}/task'
        found = {}
        for task in os.listdir(tasks):
            with open(f'{tasks}/{task}/comm') as f:
                found[int(task)] = f.read().strip()
        return found

    def traced(self):
        tasks = f'/proc/{self.pid}/task'
        for task in os.listdir(tasks):
            with open(f'{tasks}/{task}/status') as f:
                if 'TracerPid:\t0\n' in f.read():
                    return False
        return True

    def __enter__(self):
        self.strace = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self.traced():
            if self.strace.poll() is not None or time.monotonic() > end:
                raise OSError('strace cannot attach')
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait(PATIENCE)


def inject(broker, calls, what, paths=()):
    """While it lasts, this happens to such system calls of the broker, on these files if any are named. To name them
    keeps faults from what the broker does in the background (segments made ready, checkpoints), which reacts
    to them in its own ways, at any time."""
    only = [word for path in paths for word in ('-P', path)]
    return Strace(broker, '-e', f'trace={calls}', '-e', f'inject={calls}:{what}', *only)


def wal_segments(broker, shard='*'):
    """The files of its write-ahead log."""
    return glob.glob(f'{broker.dir}/wal/{shard}/*.wal')


def may_strace():
    """Is strace there, and may it trace?"""
    return shutil.which('strace') is not None and subprocess.run(
        ['strace', '-q', '-o', os.devnull, '-e', 'inject=fsync:error=EIO', 'true'],
        capture_output=True).returncode == 0


def need_strace():
    """Skip the whole test where it may not."""
    if may_strace():
        return
    print('1..0 # SKIP strace is missing or may not trace')
    sys.exit(0)
