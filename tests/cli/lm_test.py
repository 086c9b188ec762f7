"""skald lm, and transcribe --rescore: values by hand, agreement with KenLM, what must not change, bad input."""
import random
import re
import unittest

from skald_process import BUNDLE, SkaldTest, run

ARPA = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.5 <unk>
-99 <s> -0.5
-0.25 </s>
-0.75 A -0.125
-1.0 B

\\2-grams:
-0.2 <s> A
-0.3 A B
-0.4 B </s>

\\end\\
"""


def random_arpa(seed):
    """A 3-gram model with random probabilities; every context is listed, some back-off weights are missing."""
    chance = random.Random(seed)
    words = ["W%d" % i for i in range(40)]
    grams = [[(w,) for w in ["<unk>", "<s>", "</s>"] + words], set(), set()]
    for _ in range(300):
        text = ["<s>"] + [chance.choice(words[: chance.randint(1, 40)]) for _ in range(chance.randint(1, 8))] + ["</s>"]
        for n in (2, 3):
            for i in range(len(text) - n + 1):
                gram = tuple(text[i : i + n])
                if chance.random() < 0.7 and (n == 2 or gram[:2] in grams[1]):
                    grams[n - 1].add(gram)
    lines = ["\\data\\"] + ["ngram %d=%d" % (n + 1, len(grams[n])) for n in range(3)]
    for n in range(3):
        lines += ["", "\\%d-grams:" % (n + 1)]
        for gram in sorted(grams[n]):
            line = "%.3f\t%s" % (-99 if gram == ("<s>",) else -4 * chance.random(), " ".join(gram))
            if n < 2 and gram[-1] != "</s>" and chance.random() < 0.8:
                line += "\t%.3f" % -chance.random()
            lines.append(line)
    return "\n".join(lines + ["", "\\end\\", ""]), words


class LmTest(SkaldTest):
    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_values_by_hand(self):
        arpa = self.write("lm.arpa", ARPA)
        text = self.write("text", "A B\nB A\nA C\n\n")
        model = self.folder / "lm.sklm"
        built = run("lm", "build", arpa, "--out", model)
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertIn("8 n-grams", built.stdout)
        result = run("lm", "score", model, text, "--sentences")
        # A B: -0.2 -0.3 -0.4; B A: (-0.5 -1.0) -0.75 (-0.125 -0.25); A C: -0.2 (-0.125 -1.5) -0.25; no words, no line.
        self.assertEqual([float(x) for x in result.stdout.split()], [-0.9, -2.625, -2.075])
        totals = run("lm", "score", arpa, text).stdout
        self.assertIn("3 sentences, 9 words and sentence ends, 1 unknown", totals)
        self.assertIn("log10 probability -5.600000, perplexity %.2f" % 10 ** (5.6 / 9), totals)
        info = run("lm", "info", model).stdout
        self.assertRegex(info, r"n-grams +5 / 3\n")

    def test_agrees_with_kenlm(self):
        try:
            import kenlm  # kenlm 0.3.0 from PyPI
        except ImportError:
            self.skipTest("kenlm is not installed")
        for seed in range(3):
            arpa, words = random_arpa(seed)
            path = self.write("random.arpa", arpa)
            chance = random.Random(seed + 100)
            lines = [" ".join(chance.choice(words + ["OTHER"]) for _ in range(chance.randint(1, 12))) for _ in range(200)]
            result = run("lm", "score", path, self.write("text", "\n".join(lines)), "--sentences")
            model = kenlm.Model(str(path))
            for line, score in zip(lines, result.stdout.split(), strict=True):
                self.assertAlmostEqual(model.score(line), float(score), delta=1e-4, msg=line)  # KenLM adds in f32

    def test_bad_sources(self):
        for name, text in {
            "wrong count": ARPA.replace("ngram 2=3", "ngram 2=4"),
            "bad back-off": ARPA.replace("A -0.125", "A x"),
            "no end": ARPA.replace("\\end\\", ""),
            "empty": "",
        }.items():
            with self.subTest(name):
                path = self.write("bad.arpa", text)
                self.assert_fails_cleanly(run("lm", "build", path, "--out", self.folder / "out"), path, exit_code=3)
                self.assertFalse((self.folder / "out").exists())
        self.assert_fails_cleanly(run("lm", "info", self.write("x.sklm", "SKALDNLM")), "x.sklm", exit_code=3)
        self.assertEqual(run("lm", "melt").returncode, 1)
        self.assertEqual(run("lm", "build").returncode, 1)


class RescoreTest(SkaldTest):
    def test_the_first_pass_model_in_place_of_itself_changes_nothing(self):
        path = self.audio_sample()
        plain = run("transcribe", path)
        same = run("transcribe", "--rescore", "large", "--rescore-lm", BUNDLE / "lm.arpa.gz", path)
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertEqual(same.stdout, plain.stdout)

    def test_another_model_has_the_last_word(self):
        # Only one word is likely: where the lattice has an alternative with more of it, that wins.
        path = self.audio_sample()
        words = run("transcribe", path).stdout.split()
        flat = "\\data\\\nngram 1=3\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 <unk>\n\\end\\\n"
        lm = self.folder / "flat.arpa"
        lm.write_text(flat)
        out = self.folder / "out"
        result = run("transcribe", "--rescore", "large", "--rescore-lm", lm, "--lattice-beam", 12, "--out", out, "--format", "json", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        transcript = next(out.iterdir()).read_text()
        self.assertRegex(transcript, r'"rescore":"lm [0-9a-f]{16}, weight 1, lm scale 1, word penalty 0"')
        self.assertNotEqual(re.findall(r'"word":"([^"]*)"', transcript), words)

    def test_bad_requests(self):
        path = self.audio_sample()
        missing = self.folder / "none.arpa"
        self.assert_fails_cleanly(run("transcribe", "--rescore", "large", "--rescore-lm", missing, path), missing, exit_code=3)
        small = self.folder / "small.arpa"
        small.write_text(ARPA.replace("-1.5 <unk>\n", "").replace("1=5", "1=4"))
        result = run("transcribe", "--rescore", "large", "--rescore-lm", small, path)
        self.assert_fails_cleanly(result, small, exit_code=3)
        self.assertIn("lacks the word", result.stderr)
        self.assertEqual(run("transcribe", "--rescore", "huge", path).returncode, 1)
        self.assertEqual(run("transcribe", "--rescore-weight", "9", path).returncode, 1)


class PronounceTest(SkaldTest):
    def pronounce(self, words, *arguments):
        path = self.folder / "words"
        path.write_text(words)
        return run("graph", "pronounce", path, *arguments)

    def test_listed_and_guessed(self):
        result = self.pronounce("HOUSE\n\nZORGBLATT\nREAD\n", "--guesses", "3")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        self.assertEqual([row for row in rows if row[0] == "HOUSE"], [["HOUSE", "HH AW S", "listed"]])
        self.assertEqual({row[1] for row in rows if row[0] == "READ"}, {"R EH D", "R IY D"})
        guesses = [row[1] for row in rows if row[0] == "ZORGBLATT" and row[2] == "guessed"]
        self.assertEqual(len(set(guesses)), 3)
        self.assertEqual(guesses[0].split()[0], "Z")

    def test_bad_requests(self):
        result = self.pronounce("HOUSE\n1999\n")
        self.assertEqual(result.returncode, 3)
        self.assertIn("line 2", result.stderr)
        self.assertEqual(self.pronounce("HOUSE\n", "--guesses", "0").returncode, 1)
        self.assertEqual(self.pronounce("HOUSE\n", "--head", "char").returncode, 1)
        self.assertEqual(run("graph", "pronounce", self.folder / "none").returncode, 3)


if __name__ == "__main__":
    unittest.main()
