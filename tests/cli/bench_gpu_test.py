"""scripts/bench-gpu measures every row, and scripts/gpu-counters counts. Needs the emulator or a device."""
import json
import os
import subprocess
import unittest

from skald_process import PROJECT, SkaldTest, run

HAS_DEVICE = "usable device" not in run("doctor").stdout and "not in this build" not in run("doctor").stdout


@unittest.skipUnless(HAS_DEVICE, "no CUDA device and no emulator")
class BenchGpuTest(SkaldTest):
    def test_every_row_is_measured(self):
        result = subprocess.run([PROJECT / "scripts/bench-gpu", "--out", self.folder, "--budget", "300", "--segments", "20",
                                 "--hours", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        rows = json.loads((self.folder / "bench-gpu.json").read_text())["rows"]
        self.assertGreaterEqual(len(rows), 9)
        for row in rows:
            self.assertNotIn("failure", row)
            self.assertGreater(row["times_real_time"], 0)
        self.assertGreater(len({row["details"]["lanes"] for row in rows if row["name"].startswith("search, scores")}), 1)
        self.assertIn("| from media files |", (self.folder / "bench-gpu.md").read_text())

    def test_no_time_is_said_so(self):
        result = subprocess.run([PROJECT / "scripts/bench-gpu", "--out", self.folder, "--budget", "1"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("no time left", (self.folder / "bench-gpu.md").read_text())

    @unittest.skipUnless("SKALD_VGPU" in os.environ, "only the emulator counts")
    def test_counters_are_within_their_limits(self):
        result = subprocess.run([PROJECT / "scripts/gpu-counters"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = dict(line.strip("| ").split(" | ")[:2] for line in result.stdout.splitlines()[2:])
        self.assertEqual(rows["launches a chunk of all streams"], "1")
        self.assertLessEqual(float(rows["device memory read and written a token, bytes"]), 120)
        self.assertLess(float(rows["bank conflict factor"]), 1.3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
