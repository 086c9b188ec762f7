"""A live session says what `skald transcribe --live` says."""
import json
import unittest

import skald
from module_support import SkaldTest, ffmpeg, media, run, samples_of


class LiveTest(SkaldTest):
    def test_live_words_are_the_programs(self):
        samples, raw = samples_of(media()[0])
        (self.folder / "speech.raw").write_bytes(raw)
        ffmpeg("-f", "s16le", "-ar", 16000, "-ac", 1, "-i", self.folder / "speech.raw", self.folder / "speech.wav")
        printed = run("transcribe", "--device", "cpu", "--live", "--format", "json", self.folder / "speech.wav").stdout
        expected = [(word["word"], word["start"]) for line in printed.splitlines() for word in json.loads(line)["words"]]
        session = skald.LiveSession(device="cpu")
        updates = []
        for first in range(0, len(samples), 1600):
            updates += session.push(samples[first:first + 1600])
        self.assertTrue(updates)  # before the end
        updates += session.finish()
        self.assertTrue(updates[-1].line_ended)
        self.assertEqual([(word.text, round(word.start_s, 3)) for update in updates for word in update.words], expected)

    def test_bad_samples_and_options(self):
        session = skald.LiveSession(device="cpu")
        with self.assertRaises(TypeError):
            session.push(b"bytes")
        with self.assertRaises(skald.errors.InvalidArgumentError):
            skald.LiveSession(step_s=0)


if __name__ == "__main__":
    unittest.main()
