"""Synthetic speech: sentences follow the language model that they are drawn from; voices are shifted as asked."""
import collections
import math
import pathlib
import random
import shutil
import tempfile
import unittest

import numpy as np

import media
import synthesize
from sentences import SentenceSampler

ARPA = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-0.5\t<unk>
-99\t<s>\t-0.3
-0.7\t</s>
-0.3\tA\t-0.2
-0.6\tB\t-0.1
-0.8\tC

\\2-grams:
-0.4\t<s> A\t-0.1
-0.5\tA B
-0.7\tA </s>
-0.2\tB C

\\3-grams:
-0.3\t<s> A B

\\end\\
"""


class SentencesTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.arpa = self.folder / "lm.arpa"
        self.arpa.write_text(ARPA)

    def frequencies(self, sampler, history, draws=20000):
        generator = random.Random(7)
        counts = collections.Counter(sampler.next_word(history, generator) for _ in range(draws))
        return {word: count / draws for word, count in counts.items()}

    def test_listed_words_come_with_their_probability_and_the_rest_by_the_shorter_history(self):
        sampler = SentenceSampler(self.arpa, unigram_exponent=1)
        unigram = {"A": 10**-0.3, "B": 10**-0.6, "C": 10**-0.8}
        after_a = {"B": 10**-0.5, "</s>": 10**-0.7}
        rest = 1 - sum(after_a.values())
        after_a.update({word: rest * unigram[word] / (unigram["A"] + unigram["C"]) for word in "AC"})
        after_start = {"B": 10**-0.3}
        rest = 1 - after_start["B"]
        after_start.update({word: rest * p / (1 - after_a["B"]) for word, p in after_a.items() if word != "B"})
        for history, expected in ((("A",), after_a), (("C", "A"), after_a), (("<s>", "A"), after_start)):
            found = self.frequencies(sampler, history)
            self.assertEqual(found.keys(), expected.keys())
            for word, probability in expected.items():
                deviation = math.sqrt(probability * (1 - probability) / 20000)
                self.assertAlmostEqual(found[word], probability, delta=5 * deviation, msg=f"{history} {word}")

    def test_sentences_keep_their_bounds_and_repeat_with_the_seed(self):
        sampler = SentenceSampler(self.arpa)
        drawn = [sampler.sentence(random.Random(3), 2, 6) for _ in range(2)]
        self.assertEqual(*drawn)
        generator = random.Random(4)
        lengths = {len(sampler.sentence(generator, 2, 6)) for _ in range(200)}
        self.assertEqual((min(lengths), max(lengths)), (2, 6))

    def test_damaged_files_are_refused_by_line(self):
        self.arpa.write_text(ARPA.replace("-0.5\tA B", "-0.5\tA"))
        with self.assertRaisesRegex(ValueError, "lm.arpa:16: not an entry of order 2"):
            SentenceSampler(self.arpa)
        self.arpa.write_text("nothing\n")
        with self.assertRaisesRegex(ValueError, "no words"):
            SentenceSampler(self.arpa)


class VoicesTest(unittest.TestCase):
    def test_shift_moves_frequency_and_duration(self):
        tone = np.sin(2 * np.pi * 500 * np.arange(48000) / 24000).astype(np.float32)
        for factor in (0.8, 1.0, 1.25):
            samples = synthesize.shifted(tone, 24000, factor)
            self.assertAlmostEqual(len(samples) / 16000, 2 / factor, delta=0.01)
            spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
            self.assertAlmostEqual(float(spectrum.argmax()) * 16000 / len(samples), 500 * factor, delta=2)

    def test_shares_are_read_and_unknown_voices_named(self):
        self.assertEqual(synthesize.voice_shares("hibari=0.7,flite:slt"), {"hibari": 0.7, "flite:slt": 1.0})
        with self.assertRaisesRegex(ValueError, "voice festival: neither hibari nor flite:NAME"):
            synthesize.voice_shares("festival")

    @unittest.skipUnless(shutil.which("flite"), "flite is not installed")
    def test_a_spoken_sentence_is_the_same_each_time_and_not_made_twice(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("one.wav", "two.wav")]
            speakers = {synthesize.speak(path, ["HELLO", "WORLD"], "flite:slt", [1, 2]) for path in paths}
            self.assertEqual(len(speakers), 1)
            one, two = (media.read(str(path)) for path in paths)
            np.testing.assert_array_equal(one, two)
            self.assertGreater(len(one), 8000)
            written = paths[0].stat().st_mtime_ns
            synthesize.speak(paths[0], ["HELLO", "WORLD"], "flite:slt", [1, 2])
            self.assertEqual(paths[0].stat().st_mtime_ns, written)


if __name__ == "__main__":
    unittest.main()
