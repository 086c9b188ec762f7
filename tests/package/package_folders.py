"""Where the tests of the package find things, from the environment that CTest sets."""
import os
import pathlib
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = pathlib.Path(os.environ["PREFIX"])
BUILD = pathlib.Path(os.environ["BUILD"])
CXX = os.environ["CXX"]
HEADERS = sorted((PREFIX / "include" / "skald").glob("*.h"))


def check_output(*command, **options):
    """Standard output of a command that must succeed."""
    options.setdefault("timeout", 1500)
    run = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False, **options)
    if run.returncode != 0:
        raise AssertionError("%s: exit code %d\n%s%s" % (" ".join(map(str, command)), run.returncode, run.stdout[-4000:],
                                                         run.stderr[-4000:]))
    return run.stdout


def library():
    return next(path for path in PREFIX.rglob("libskald.so"))
