"""Bad media, bundles, graphs and options: one clear line, the right exit code, nothing half-written, others unaffected."""
import os
import pathlib
import shutil
import unittest

from skald_process import BUNDLE, SkaldTest, ffmpeg, run


class BadMediaTest(SkaldTest):
    def make_bad_media(self):
        bad = {}
        bad["empty"] = self.folder / "empty.mp3"
        bad["empty"].write_bytes(b"")
        bad["text"] = self.folder / "text.mp3"
        bad["text"].write_text("This is no media file at all.\n" * 100)
        bad["video only"] = self.folder / "video.mp4"
        ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64:r=5", "-c:v", "mpeg4", bad["video only"])
        bad["truncated"] = self.folder / "truncated.mp4"
        whole = self.sample(".mp4").read_bytes()
        position = whole.find(b"moov")
        bad["truncated"].write_bytes(whole[: min(len(whole) // 2, position if position > 8 else len(whole) // 2)])
        if position >= 0 and position < len(whole) // 2:  # index in front: move it behind the data to lose it
            ffmpeg("-i", self.sample(".mp4"), "-c", "copy", self.folder / "tail.mp4")
            tail = (self.folder / "tail.mp4").read_bytes()
            bad["truncated"].write_bytes(tail[: tail.find(b"moov") - 4])
        bad["no samples"] = self.folder / "zero.wav"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "0", bad["no samples"])
        bad["missing"] = self.folder / "missing.wav"
        return bad

    def test_each_alone(self):
        for name, path in self.make_bad_media().items():
            with self.subTest(name):
                self.assert_fails_cleanly(run("transcribe", path), path)

    def test_together_with_good_ones(self):
        bad = self.make_bad_media()
        out = self.folder / "out"
        good = self.audio_sample()
        result = run("transcribe", "--out", out, *bad.values(), good)
        self.assertEqual(result.returncode, 2)
        for path in bad.values():
            self.assertIn(str(path), result.stderr)
        self.assertEqual([path.name for path in out.iterdir() if path.name != ".skald"], [good.stem + ".txt"])
        self.assertGreater(len(next(out.iterdir()).read_text().split()), 5)

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_unreadable_file(self):
        path = self.folder / "locked.wav"
        shutil.copy(self.audio_sample(), path)
        path.chmod(0)
        self.assert_fails_cleanly(run("transcribe", path), path)

    def test_one_sample_is_no_speech(self):
        path = self.folder / "one.wav"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-af", "atrim=end_sample=1", path)
        result = run("transcribe", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.strip(), "")

    def test_truncated_media_is_transcribed_as_far_as_it_goes(self):
        path = self.folder / "cut.wav"
        ffmpeg("-i", self.audio_sample(), path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
        result = run("transcribe", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(result.stdout.split()), 3)

    def test_unwritable_output(self):
        blocked = self.folder / "blocked"
        blocked.write_text("a file where a folder should be")
        result = run("transcribe", "--out", blocked / "out", self.audio_sample())
        self.assertEqual(result.returncode, 3)  # not even the journal can be kept
        self.assertIn(str(blocked), result.stderr)


class BadModelTest(SkaldTest):
    def damaged_bundle(self, name):
        """A copy of the default bundle by links, with `name` as a real copy that may be damaged."""
        bundle = self.folder / "bundle"
        shutil.rmtree(bundle, ignore_errors=True)
        bundle.mkdir()
        for path in BUNDLE.iterdir():
            if path.name == name:
                shutil.copy(path, bundle / name)
            else:
                (bundle / path.name).symlink_to(path)
        return bundle

    def assert_refused(self, bundle, name):
        result = run("transcribe", "--model", bundle, self.audio_sample())
        self.assert_fails_cleanly(result, name, exit_code=3)

    def test_missing_files(self):
        for name in ("bundle.json", "model.safetensors", "tokens_char.txt", "lm.arpa.gz"):
            bundle = self.damaged_bundle(name)
            (bundle / name).unlink()
            self.assert_refused(bundle, name)

    def test_truncated_and_flipped_weights(self):
        bundle = self.damaged_bundle("model.safetensors")
        weights = bundle / "model.safetensors"
        data = bytearray(weights.read_bytes())
        weights.write_bytes(data[: len(data) // 2])
        self.assert_refused(bundle, weights.name)
        data[len(data) // 2] ^= 0x10
        weights.write_bytes(data)
        self.assert_refused(bundle, weights.name)

    def test_bad_graph(self):
        graph = self.folder / "graph.skg"
        graph.write_bytes(b"not a graph")
        self.assert_fails_cleanly(run("transcribe", "--graph", graph, self.audio_sample()), graph, exit_code=3)

    def test_missing_bundle(self):
        self.assert_fails_cleanly(run("transcribe", "--model", self.folder / "none", self.audio_sample()), self.folder / "none", 3)


class BadUsageTest(SkaldTest):
    def test_bad_usage_is_one_line_and_code_1(self):
        for arguments in (
            ["transcribe"],
            ["transcribe", "--no-such-option", "a.wav"],
            ["transcribe", "--beam", "-1", "a.wav"],
            ["transcribe", "--beam", "many", "a.wav"],
            ["transcribe", "--format", "doc", "a.wav"],
            ["transcribe", "--device", "tpu", "a.wav"],
            ["transcribe", "--precision", "f64", "a.wav"],
            ["transcribe", "--track", "first", "a.wav"],
            ["transcribe", "--threads", "-2", "a.wav"],
            ["transcribe", "--lm-scale", "0", "a.wav"],
            ["transcribe", "--window", "0.1", "a.wav"],
            ["transcribe", "--line-length", "0", "a.wav"],
            ["transcribe", "--format", "txt,json", "a.wav"],
            ["fly"],
            ["graph"],
            ["graph", "melt"],
            ["score", "wer"],
            ["bench", "media"],
        ):
            with self.subTest(" ".join(arguments)):
                result = run(*arguments)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
                self.assertTrue(result.stderr.startswith("skald: "), result.stderr)

    def test_help_and_version_everywhere(self):
        self.assertIn("skald", run("--version").stdout)
        self.assertEqual(run("--help").returncode, 0)
        for command in ("transcribe", "graph", "model", "score", "bench", "doctor"):
            result = run(command, "--help")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("usage: skald " + command, result.stdout)

    def test_empty_folder(self):
        self.assertEqual(run("transcribe", self.folder).returncode, 3)


class SilenceTest(SkaldTest):
    def test_twelve_hours_of_silence(self):
        path = self.folder / "silence.flac"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", str(12 * 3600), "-c:a", "flac", "-frame_size", "16384", path)
        result = run("transcribe", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.strip(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
