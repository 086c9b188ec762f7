"""skald align: times are those of recognition where the words are the same; long audio, odd words, bad input."""
import json
import pathlib
import unittest

from skald_process import SAMPLES, SkaldTest, ffmpeg, run


def words_of(path):
    transcript = json.loads(pathlib.Path(path).read_text())
    return [word for segment in transcript["segments"] for word in segment["words"]]


class AlignTest(SkaldTest):
    def align(self, text, *arguments, name="text"):
        path = self.folder / name
        path.write_text(text)
        return run("align", "--text", path, *arguments)

    def ctm(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [line.split() for line in result.stdout.splitlines()]
        return [(row[4], float(row[2]), float(row[2]) + float(row[3])) for row in rows]

    def check_equals_recognition(self, *options):
        for sample in (self.audio_sample(), self.sample(".mp4")):
            run("transcribe", "--decode", "viterbi", *options, "--format", "json", "--out", self.folder, sample)
            recognised = words_of(self.folder / (sample.stem + ".json"))
            text = "\n".join(word["word"].lower() for word in recognised)
            aligned = self.ctm(self.align(text, *options, sample))
            self.assertEqual([word.upper() for word, _, _ in aligned], [word["word"] for word in recognised])
            # The best alignment of the words does not depend on the language model; only a spelling may differ.
            same = sum(abs(a[1] - r["start"]) < 0.002 and abs(a[2] - r["end"]) < 0.002 for a, r in zip(aligned, recognised))
            self.assertGreaterEqual(same, 0.95 * len(aligned))
            result = run("score", "times", self.folder / (sample.stem + ".json"), self.folder / (sample.stem + ".json"))
            self.assertIn("%d words of %d" % (len(aligned), len(aligned)), result.stdout)
            self.assertIn("starts median 0.0 ms", result.stdout)

    def test_phones_equal_recognition(self):
        self.check_equals_recognition()

    def test_pieces_equal_recognition(self):
        self.check_equals_recognition("--head", "bpe")

    def test_long_audio_keeps_in_step(self):
        sample = self.audio_sample()
        once = self.ctm(self.align((SAMPLES / (sample.stem + ".txt")).read_text(), sample))
        duration = json.loads(run("transcribe", "--format", "json", sample).stdout)["source"]["duration"]
        long = self.folder / "long.wav"
        repeats = 15
        ffmpeg("-stream_loop", repeats - 1, "-i", sample, "-ac", 1, "-ar", 16000, long)
        text = " ".join([word for word, _, _ in once] * repeats)
        many = self.ctm(self.align(text, long))
        self.assertEqual(len(many), repeats * len(once))
        for i, (word, start, _) in enumerate(many):
            lap, place = divmod(i, len(once))
            self.assertEqual(word, once[place][0])
            self.assertAlmostEqual(start - lap * duration, once[place][1], delta=0.3)

    def test_words_that_no_lexicon_has(self):
        sample = self.sample(".mp4")
        text = (SAMPLES / (sample.stem + ".txt")).read_text().split()
        aligned = self.ctm(self.align(" ".join(text[:3] + ["Zorgblattish"] + text[3:]), sample))
        self.assertEqual(aligned[3][0], "Zorgblattish")
        starts = [start for _, start, _ in aligned]
        self.assertEqual(starts, sorted(starts))
        result = self.align(" ".join(text[:3] + ["1999"]), sample)
        self.assert_fails_cleanly(result, sample)
        self.assertIn("'1999'", result.stderr)

    def test_by_id_leaves_out_inputs_without_a_line(self):
        out = self.folder / "out"
        mp4, audio = self.sample(".mp4"), self.audio_sample()
        text = "%s %s\n" % (audio.stem, (SAMPLES / (audio.stem + ".txt")).read_text().replace("\n", " "))
        result = self.align(text, "--by-id", "--format", "json,srt", "--out", out, mp4, audio)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(path.name for path in out.iterdir()), [audio.stem + ".json", audio.stem + ".srt"])
        self.assertEqual(json.loads((out / (audio.stem + ".json")).read_text())["options"]["align"], "forced")

    def test_bad_requests(self):
        sample = self.sample(".mp4")
        too_many = self.align("country " * 2000, sample)
        self.assert_fails_cleanly(too_many, sample)
        self.assertIn("too short", too_many.stderr)
        self.assert_fails_cleanly(self.align("", sample), sample)
        self.assert_fails_cleanly(run("align", "--text", self.folder / "none", sample), self.folder / "none", exit_code=3)
        self.assert_fails_cleanly(self.align("a b\na c\n", "--by-id", sample, name="twice"), "twice", exit_code=3)
        self.assertEqual(run("align", sample).returncode, 1)
        self.assertEqual(self.align("a", sample, sample).returncode, 1)
        self.assertEqual(self.align("a", "--format", "lattice", sample).returncode, 1)


if __name__ == "__main__":
    unittest.main()
