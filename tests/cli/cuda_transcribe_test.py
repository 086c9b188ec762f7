"""`--device cuda` gives the text of the CPU, wherever the search runs. Needs a device or the emulator."""
import json
import os
import unittest

from skald_process import BUNDLE, SAMPLES, SkaldTest, ffmpeg, run

HAS_DEVICE = "usable device" not in run("doctor").stdout and "not in this build" not in run("doctor").stdout
IS_EMULATED = "SKALD_VGPU" in os.environ


def hash_of(result):
    return json.loads(result.stdout)["details"]["survivor hash"]


@unittest.skipUnless(HAS_DEVICE, "no CUDA device and no emulator")
class CudaTranscribeTest(SkaldTest):
    def transcribe(self, paths, *arguments, **environment):
        return run("transcribe", "--precision", "f32", "--times", *arguments, *paths,
                   env={**os.environ, **environment})

    def test_same_text_and_times_as_the_cpu(self):
        paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".mp3", ".mp4")]
        self.assertGreaterEqual(len(paths), 2)
        for some, arguments in ((paths, ("--device", "cuda", "--lanes", "8")),
                                (paths[:1], ("--device", "cuda", "--search", "cpu")),
                                (paths, ("--device", "cpu", "--search", "cuda", "--lanes", "2"))):
            with self.subTest(arguments):
                expected = self.transcribe(some, "--device", "cpu")
                self.assertGreater(len(expected.stdout.split()), 10)
                result = self.transcribe(some, *arguments)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stdout, expected.stdout)
                self.assertEqual(result.stderr, "")

    def test_fused_models_say_the_same_as_on_the_cpu(self):
        clip = self.folder / "clip.wav"
        ffmpeg("-i", self.sample(".mp3"), "-t", "2.5", clip)
        fused = ("--also-model", "%s=0.5" % BUNDLE, "--fusion", "log-linear")
        expected = self.transcribe([clip], "--device", "cpu", *fused)
        self.assertGreater(len(expected.stdout.split()), 3)
        for search in ("cpu", "cuda"):
            result = self.transcribe([clip], "--device", "cuda", "--search", search, "--lanes", "2", *fused)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, expected.stdout)

    def test_heads_say_the_same_as_on_the_cpu(self):
        clip = self.folder / "clip.wav"
        ffmpeg("-i", self.sample(".mp3"), "-t", "2.5", clip)
        heads = ("--heads", "phone=2,bpe")
        expected = self.transcribe([clip], "--device", "cpu", *heads)
        self.assertGreater(len(expected.stdout.split()), 3)
        result = self.transcribe([clip], "--device", "cuda", *heads)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, expected.stdout)
        self.assertIn("the CPU searches", result.stderr)

    def test_greedy_decoding_says_the_same_as_on_the_cpu(self):
        clip = self.folder / "clip.wav"
        ffmpeg("-i", self.sample(".mp3"), "-t", "2.5", clip)
        expected = self.transcribe([clip], "--device", "cpu", "--decode", "greedy")
        self.assertGreater(len(expected.stdout.split()), 3)
        result = self.transcribe([clip], "--device", "cuda", "--decode", "greedy")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, expected.stdout)

    @unittest.skipUnless(IS_EMULATED, "only the emulator has as many devices as asked for")
    def test_several_devices_and_the_cpu_give_the_text_of_one(self):
        clips = []
        for i in range(4):
            clips.append(self.folder / ("clip%d.wav" % i))
            ffmpeg("-i", self.sample(".mp3"), "-ss", str(i), "-t", "2.5", clips[-1])
        expected = self.transcribe(clips, "--device", "cpu")
        self.assertGreater(len(expected.stdout.split()), 10)
        report = self.folder / "report.json"
        for devices in ("cuda:0,1,2,3", "cpu,cuda:1"):
            with self.subTest(devices):
                result = self.transcribe(clips, "--device", devices, "--lanes", "2", "--report", report, VGPU_DEVICES="4")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stdout, expected.stdout)
                names = [worker["name"] for worker in json.loads(report.read_text())["workers"]]
                for device in devices.replace("cuda:0,1,2,3", "cuda:0,cuda:1,cuda:2,cuda:3").split(","):
                    self.assertIn(device, names)
        doctor = run("doctor", env={**os.environ, "VGPU_DEVICES": "4"})
        for device in range(4):
            self.assertIn("cuda:%d" % device, doctor.stdout)

    @unittest.skipUnless(IS_EMULATED, "only the emulator's memory can be made small")
    def test_short_memory_means_fewer_lanes_and_says_so(self):
        paths = [self.sample(".mp3")]
        expected = self.transcribe(paths, "--device", "cpu")
        result = self.transcribe(paths, "--device", "cpu", "--search", "cuda", "--lanes", "512", VGPU_MEM_GB="0.4")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, expected.stdout)
        self.assertRegex(result.stderr, "device memory is short: [0-9]+ lanes search instead of 512")

    def test_survivors_are_those_of_the_cpu(self):
        path = self.sample(".mp3")
        common = ["bench", "search", "--precision", "f32", "--device", "cpu", "--repeats", "1", "--warm-up", "0",
                  "--copies", "2", "--json", path]
        cpu = run(*common)
        cuda = run(*common, "--search", "cuda", "--lanes", "2", "--check")
        self.assertEqual(cuda.returncode, 0, cuda.stderr)
        self.assertEqual(hash_of(cuda), hash_of(cpu))

    def test_bad_options_are_named(self):
        result = run("transcribe", "--search", "elsewhere", "x")
        self.assertEqual(result.returncode, 1)
        self.assertIn("search_device", result.stderr)
        result = run("transcribe", "--lanes", "many", "x")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--lanes", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
