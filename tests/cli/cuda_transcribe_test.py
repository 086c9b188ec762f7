"""`skald transcribe --device cuda` gives the text of the CPU. Needs a device or the emulator."""
import unittest

from skald_process import SAMPLES, SkaldTest, run

HAS_DEVICE = "usable device" not in run("doctor").stdout and "not in this build" not in run("doctor").stdout


@unittest.skipUnless(HAS_DEVICE, "no CUDA device and no emulator")
class CudaTranscribeTest(SkaldTest):
    def test_same_text_and_times_as_the_cpu(self):
        paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".mp3", ".mp4")]
        self.assertGreaterEqual(len(paths), 2)
        texts = {}
        for device in ("cpu", "cuda"):
            result = run("transcribe", "--device", device, "--precision", "f32", "--times", *paths)
            self.assertEqual(result.returncode, 0, result.stderr)
            texts[device] = result.stdout
        self.assertGreater(len(texts["cpu"].split()), 20)
        self.assertEqual(texts["cuda"], texts["cpu"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
