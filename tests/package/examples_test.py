"""The examples, built against the installed package, give what the installed program gives."""
import json
import os
import re
import subprocess
import sys
import unittest

from package_folders import BUILD, PREFIX, PROJECT, check_output

sys.path.insert(0, str(PROJECT / "tests" / "cli"))
from skald_process import SkaldTest, ffmpeg, run  # noqa: E402

EXAMPLES = BUILD / "tests" / "package" / "examples"


class ExamplesTest(SkaldTest):
    @classmethod
    def setUpClass(cls):
        os.environ.pop("SKALD_MODEL", None)  # library and program find the installed one
        check_output(os.environ["CMAKE"], "-G", "Ninja", "-S", PROJECT / "examples", "-B", EXAMPLES, "-DCMAKE_PREFIX_PATH=%s" % PREFIX,
                     "-DCMAKE_BUILD_TYPE=Release")
        check_output(os.environ["CMAKE"], "--build", EXAMPLES)

    def test_embed(self):
        media = [self.audio_sample(), self.sample(".mp4")]
        texts = "".join(run("transcribe", path).stdout for path in media)
        self.assertTrue(texts)
        self.assertEqual(check_output(EXAMPLES / "embed", *media), texts)

    def test_embed_names_what_fails_and_does_the_rest(self):
        sample = self.audio_sample()
        result = subprocess.run([EXAMPLES / "embed", "absent.wav", sample], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("absent.wav", result.stderr)
        self.assertEqual(result.stdout, run("transcribe", sample).stdout)

    def test_feed_pcm(self):
        wav = self.folder / "speech.wav"
        ffmpeg("-i", self.audio_sample(), "-ar", 16000, "-ac", 1, wav)
        ffmpeg("-i", wav, "-f", "s16le", self.folder / "speech.raw")
        with open(self.folder / "speech.raw", "rb") as samples:
            printed = check_output(EXAMPLES / "feed_pcm", stdin=samples)
        live = run("transcribe", "--live", "--format", "json", wav)
        expected = [(word["word"], word["start"]) for line in live.stdout.splitlines() for word in json.loads(line)["words"]]
        words = [(word, float(start)) for start, word in re.findall(r"^ *([\d.]+) (\S+)$", printed, re.M)]
        self.assertTrue(expected)
        self.assertEqual([word for word, _ in words], [word for word, _ in expected])
        for (_, start), (_, wanted) in zip(words, expected):
            self.assertAlmostEqual(start, wanted, delta=0.0051)

    def test_own_sink(self):
        media = [self.audio_sample(), self.sample(".mp4")]
        printed = check_output(EXAMPLES / "own_sink", self.folder, *media)
        run("transcribe", "--beam", 12, "--format", "srt", "--out", self.folder / "cli", *media)
        for path in media:
            name = path.stem + ".srt"
            self.assertEqual((self.folder / name).read_bytes(), (self.folder / "cli" / name).read_bytes())
            self.assertRegex(printed, re.escape(name) + r": \d+ segments, least sure of \S+ at")

    def test_search_index(self):
        sample = self.audio_sample()
        word = max(run("transcribe", sample).stdout.split(), key=len)
        printed = check_output(EXAMPLES / "search_index", self.folder / "index", word, sample)
        found = json.loads(run("search", self.folder / "index", "--format", "json", word).stdout)[0]["hits"]
        self.assertTrue(found)
        lines = printed.splitlines()
        self.assertEqual(len(lines), len(found))
        for line, hit in zip(lines, found):
            self.assertEqual(line, "%.3f %s %.2f-%.2f s: %s" % (hit["score"], hit["file"], hit["start"], hit["end"], hit["context"]))


if __name__ == "__main__":
    unittest.main()
