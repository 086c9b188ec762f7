"""Runs the skald program for tests; the program and the cache folder come from the environment."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SKALD = os.environ["SKALD"]
PROJECT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "corpora" / "samples"
BUNDLE = PROJECT / "models" / "en-base-25fps"  # the default


def run(*arguments, **options):
    """CompletedProcess of `skald ARGUMENTS...` with text output."""
    options.setdefault("timeout", 600)
    return subprocess.run([SKALD, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def without_timing(path):
    transcript = json.loads(pathlib.Path(path).read_text())
    del transcript["timing"]
    return transcript


class SkaldTest(unittest.TestCase):
    """A test with a folder of its own, self.folder."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def sample(self, ending):
        return next(path for path in sorted(SAMPLES.iterdir()) if path.suffix == ending)

    def audio_sample(self):
        return next(path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".mp3", ".opus", ".flac", ".wav"))

    def assert_fails_cleanly(self, result, path, exit_code=2):
        """One line on standard error that names the file; nothing on standard output; no crash."""
        self.assertEqual(result.returncode, exit_code, result.stderr)
        lines = [line for line in result.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertIn(str(path), lines[0])
        self.assertEqual(result.stdout, "")

    def assert_no_leftovers(self, folder):
        leftovers = [path for path in pathlib.Path(folder).rglob("*") if ".part-" in path.name]
        self.assertEqual(leftovers, [])
