"""The Test Anything Protocol, and a directory to work in that is gone at the end."""
import os
import shutil
import sys
import tempfile


class Tap:
    """Numbers the results; a test that dies has failed. With CHRONIK_TEST_KEEP the directory stays.

        with Tap() as t:
            t.ok(1 < 2, 'numbers are ordered')
    """

    def __init__(self):
        self.n = self.bad = 0
        self.work = tempfile.mkdtemp(prefix='chronik-test-')

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if os.environ.get('CHRONIK_TEST_KEEP'):
            self.note(f'kept: {self.work}')
        else:
            shutil.rmtree(self.work, ignore_errors=True)
        if kind:
            self.note(f'{kind.__name__}: {value}')
            return False
        print(f'1..{self.n}')
        sys.exit(1 if self.bad else 0)

    def ok(self, good, what, why=''):
        self.n += 1
        self.bad += not good
        print(('ok' if good else 'not ok'), self.n, '-', what, flush=True)
        if not good and why != '':
            self.note(why)
        return good

    def skip(self, what, why):
        self.n += 1
        print('ok', self.n, '-', what, '# SKIP', why, flush=True)

    def same(self, got, want, what):
        return self.ok(got == want, what, f'got {got!r}, not {want!r}')

    @staticmethod
    def note(text):
        for line in str(text).split('\n'):
            print('#', line)
        sys.stdout.flush()
