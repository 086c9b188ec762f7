"""One of two workers is killed in mid-job, then the whole job: nothing is lost, nothing is there twice."""
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tests" / "cli"))
from skald_process import SAMPLES, SkaldTest, ffmpeg, run, without_timing  # noqa: E402

RECIPE = PROJECT / "recipes" / "archive_on_ray" / "archive_on_ray.py"
FILES = 12


def workers_of(group):
    """Process ids of the Ray workers, among the children of one job, that hold a recognizer."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and b"Transcriber" in (folder / "cmdline").read_bytes() and \
                    str(group).encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


class ArchiveOnRayTest(SkaldTest):
    def setUp(self):
        super().setUp()
        self.media = self.folder / "media"
        self.media.mkdir()
        for number in range(FILES):
            ffmpeg("-ss", number % 4, "-i", self.sample(".mp4"), "-vn", "-t", 5, self.media / ("clip%02d.wav" % number))
        (self.media / "damaged.wav").write_bytes(b"RIFF but no more")
        self.paths = sorted(self.media.iterdir())
        (self.media / "manifest.txt").write_text("".join(path.name + "\n" for path in self.paths))

    def start(self, out):
        environment = dict(os.environ, RAY_DISABLE_IMPORT_WARNING="1", RAY_TEST_MARK=str(out), RAY_USAGE_STATS_ENABLED="0")
        log = open(self.folder / "log.txt", "a")
        self.addCleanup(log.close)
        return subprocess.Popen([sys.executable, RECIPE, self.media / "manifest.txt", out, "--workers", "2", "--files-per-shard", "1",
                                 "--options", '{"device": "cpu"}'], env=environment, stdout=log, stderr=log, start_new_session=True)

    def wait_for_shards(self, job, out, count):
        deadline = time.monotonic() + 300
        while len(list((out / "shards").glob("[0-9a-f]*"))) < count:
            self.assertIsNone(job.poll(), (self.folder / "log.txt").read_text()[-4000:])
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def assert_complete(self, out):
        entries = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
        self.assertEqual(sorted(entry["path"] for entry in entries), [str(path) for path in self.paths])
        run("transcribe", "--device", "cpu", "--out", self.folder / "cli", "--format", "json", self.media / "manifest.txt")
        transcripts = [path for path in (out / "shards").rglob("*.json")]
        self.assertEqual(len(transcripts), FILES)
        for entry in entries:
            if entry["path"].endswith("damaged.wav"):
                self.assertIn("damaged.wav", entry["error"])
                continue
            written = next(path for path in transcripts if path.name == entry["transcript"])
            self.assertEqual(without_timing(written)["segments"],
                             without_timing(self.folder / "cli" / (pathlib.Path(entry["path"]).stem + ".json"))["segments"])
        listed = run("index", "info", "--files", out / "index").stdout.splitlines()
        self.assertEqual(sorted(listed), [str(path) for path in self.paths if path.name != "damaged.wav"])
        self.assertEqual([path for path in (out / "shards").iterdir() if path.name.startswith(".")], [])
        run("index", "add", "--device", "cpu", self.folder / "whole", *[path for path in self.paths if path.name != "damaged.wav"])
        word = max(json.loads(transcripts[0].read_text())["segments"][0]["text"].split(), key=len)
        hits = [json.loads(run("search", "--format", "json", index, word).stdout)[0]["hits"] for index in (out / "index", self.folder / "whole")]
        self.assertTrue(hits[0])
        self.assertEqual(hits[0], hits[1])

    def test_a_worker_is_killed(self):
        out = self.folder / "out"
        job = self.start(out)
        self.wait_for_shards(job, out, 2)
        workers = workers_of(out)
        self.assertTrue(workers)
        os.kill(workers[0], signal.SIGKILL)
        self.assertEqual(job.wait(timeout=400), 2, (self.folder / "log.txt").read_text()[-4000:])  # 2: the damaged file
        self.assert_complete(out)

    def test_the_job_is_killed_and_started_again(self):
        out = self.folder / "out"
        job = self.start(out)
        self.wait_for_shards(job, out, 3)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        for worker in workers_of(out):
            os.kill(worker, signal.SIGKILL)
        before = {path: path.stat().st_mtime_ns for path in (out / "shards").glob("[0-9a-f]*")}
        self.assertEqual(self.start(out).wait(timeout=400), 2, (self.folder / "log.txt").read_text()[-4000:])
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in before})  # not done again
        self.assert_complete(out)


if __name__ == "__main__":
    for module in ("ray", "pyarrow"):
        if importlib.util.find_spec(module) is None:
            print("skipped: the Python package %s is not installed" % module)
            sys.exit(77)
    unittest.main()
