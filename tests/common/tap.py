"""The Test Anything Protocol."""
import sys


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def check(self, ok, what, why=''):
        self.number += 1
        self.failed += not ok
        print(f'{"ok" if ok else "not ok"} {self.number} - {what}')
        if not ok and why:
            self.note(why)
        sys.stdout.flush()
        return ok

    def skip(self, what, why):
        self.number += 1
        print(f'ok {self.number} - {what} # SKIP {why}', flush=True)

    @staticmethod
    def note(text):
        for line in str(text).split('\n'):
            print(f'# {line}')
        sys.stdout.flush()

    def finish(self):
        """Print the plan; the exit status."""
        print(f'1..{self.number}')
        return 1 if self.failed else 0
