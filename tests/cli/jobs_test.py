"""Jobs that are interrupted, shared, retried: `skald transcribe --out` and `skald jobs`."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
import unittest

from skald_process import SKALD, SkaldTest, ffmpeg, run

KILLS = int(os.environ.get("SKALD_TEST_KILLS", "6"))


def tree(folder):
    """Name and content of every output; the seconds that a JSON transcript took are not compared."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".skald" not in path.parts:
            content = path.read_text()
            if path.suffix == ".json":
                transcript = json.loads(content)
                del transcript["timing"]
                content = json.dumps(transcript)
            files[str(path.relative_to(folder))] = content
    return files


class JobsTest(SkaldTest):
    def setUp(self):
        super().setUp()
        self.inputs = self.folder / "in"
        (self.inputs / "deep").mkdir(parents=True)
        speech = self.audio_sample()
        for i in range(12):
            where = self.inputs / ("deep" if i % 3 == 0 else ".") / ("clip%02d.wav" % i)
            ffmpeg("-ss", str(0.4 * i), "-t", "2.5", "-i", speech, "-ar", "16000", "-ac", "1", where)
        (self.inputs / "broken.wav").write_bytes(b"RIFF nothing of the kind")
        self.out = self.folder / "out"
        self.arguments = ["transcribe", "--out", self.out, "--format", "txt,json", "--progress", "none", self.inputs]

    def whole(self):
        """Outputs of a run that nothing interrupts."""
        out = self.folder / "whole"
        result = run("transcribe", "--out", out, "--format", "txt,json", "--progress", "none", self.inputs)
        self.assertEqual(result.returncode, 2, result.stderr)
        return tree(out)

    def state(self):
        return json.loads(run("jobs", "--json", self.out).stdout)

    def test_a_job_goes_on_where_it_was_killed(self):
        expected = self.whole()
        seed = int(os.environ.get("SKALD_TEST_SEED", time.time_ns() % 1000000))
        print("SKALD_TEST_SEED=%d" % seed)
        moments = random.Random(seed)
        finished = 0
        for _ in range(KILLS):
            process = subprocess.Popen([SKALD, *map(str, self.arguments)], stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=moments.uniform(0.0, 2.5))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            if (self.out / ".skald" / "jobs.sqlite").exists():
                done = run("jobs", "--json", self.out)
                if done.stdout:
                    self.assertGreaterEqual(json.loads(done.stdout)["done"], finished)
                    finished = json.loads(done.stdout)["done"]
        result = run(*self.arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(tree(self.out), expected)
        self.assert_no_leftovers(self.out)

    def test_what_is_done_is_not_done_again(self):
        self.assertEqual(run(*self.arguments).returncode, 2)
        times = {path: path.stat().st_mtime_ns for path in self.out.rglob("*.txt")}
        again = run(*self.arguments)
        self.assertEqual(again.returncode, 2)
        self.assertIn("nothing is left", again.stderr)
        self.assertIn("failed before", again.stderr)
        state = self.state()
        self.assertEqual((state["done"], state["failed"], state["waiting"]), (12, 1, 0))
        self.assertIn("broken.wav", state["failures"][0]["reason"])
        self.assertIn("broken.wav", run("jobs", self.out).stdout)
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.out.rglob("*.txt")}, times)

        # A file that was mended is tried again, one that is missing is made again; the rest stays.
        shutil.copy(self.inputs / "clip01.wav", self.inputs / "broken.wav")
        (self.out / "clip02.txt").unlink()
        self.assertEqual(run(*self.arguments).returncode, 0)
        self.assertEqual(self.state()["done"], 13)
        changed = [path.name for path, when in times.items() if path.stat().st_mtime_ns != when]
        self.assertEqual(changed, ["clip02.txt"])

    def test_failures_are_tried_again_when_asked(self):
        self.assertEqual(run(*self.arguments).returncode, 2)
        retried = run(*self.arguments, "--retry-failed")
        self.assertEqual(retried.returncode, 2)
        self.assertIn("broken.wav", retried.stderr)
        self.assertEqual(run("transcribe", "--retry-failed", self.audio_sample()).returncode, 1)

    def test_other_options_do_all_again(self):
        self.assertEqual(run(*self.arguments).returncode, 2)
        subtitles = run("transcribe", "--out", self.out, "--format", "srt", "--progress", "none", self.inputs)
        self.assertEqual(subtitles.returncode, 2)
        self.assertEqual(len(list(self.out.rglob("*.srt"))), 12)

    def test_two_processes_share_a_job(self):
        expected = self.whole()
        processes = [subprocess.Popen([SKALD, *map(str, self.arguments)], stderr=subprocess.PIPE, text=True) for _ in range(2)]
        for process in processes:
            _, errors = process.communicate(timeout=300)
            self.assertIn(process.returncode, (0, 2), errors)
        self.assertEqual(tree(self.out), expected)
        self.assertEqual(self.state()["done"], 12)

    def test_jobs_names_a_folder_without_a_job(self):
        result = run("jobs", self.folder)
        self.assertEqual(result.returncode, 3)
        self.assertIn(str(self.folder), result.stderr)
        self.assertEqual(run("jobs").returncode, 1)


if __name__ == "__main__":
    unittest.main()
