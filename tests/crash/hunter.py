"""hunter.py PID SECONDS PATTERN DIR...: kill -9 PID as soon as there is a name in one of the
directories that matches. A process of its own, for what is hunted lasts less than a millisecond, and
kill9.py has many threads. Ends with 1 if nothing came by, or the process died before."""
import os
import re
import signal
import sys
import time


def main(pid, seconds, pattern, *dirs):
    match, end = re.compile(pattern).search, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        for path in dirs:
            try:
                there = any(match(name) for name in os.listdir(path))
            except FileNotFoundError:
                continue
            if there:
                os.kill(int(pid), signal.SIGKILL)
                return 0
        os.kill(int(pid), 0)
    return 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
