"""recipes/build_lm: text as it is spoken, mixtures that are probabilities, and a graph that knows the domain's words."""
import gzip
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[3]
RECIPE = PROJECT / "recipes/build_lm"
SKALD = os.environ["SKALD"]
sys.path.insert(0, str(RECIPE))

import interpolate  # noqa: E402


def recipe(script, *arguments, text=None):
    return subprocess.run([sys.executable, RECIPE / script, *map(str, arguments)], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class NormalizeTest(unittest.TestCase):
    def lines(self, text):
        result = recipe("normalize_text.py", text=text)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_sentences_are_as_spoken(self):
        text = "The well-known LVM isn\u2019t hard. \u201cIt works,\u201d he said! Use it\u2014often"
        self.assertEqual(self.lines(text), ["THE WELL KNOWN LVM ISN'T HARD", "IT WORKS HE SAID", "USE IT OFTEN"])

    def test_what_nobody_says_is_left_out(self):
        for text in ("See /etc/passwd for more.", "Run it with --force now.", "Write to me@example.org today.", "The ext4 file system is good.", "Alone."):
            self.assertEqual(self.lines(text), [], text)

    def test_acronyms_are_listed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "acronyms"
            recipe("normalize_text.py", "--acronyms", path, text="The DNS and the LVM are there. A DEBIANISM is not /one or USB.")
            self.assertEqual(path.read_text().split(), ["DNS", "LVM"])


def random_arpa(rng, words, order, path):
    """A small back-off model whose histories sum to one."""
    vocabulary = words + ["</s>", "<unk>"]
    model = interpolate.Model.__new__(interpolate.Model)
    model.order, model.probability, model.backoff = order, {("<s>",): 0.0}, {}
    shares = [rng.random() + 0.01 for _ in vocabulary]
    for word, share in zip(vocabulary, shares):
        model.probability[(word,)] = share / sum(shares)
    for n in range(2, order + 1):
        histories = [h for h in list(model.probability) if len(h) == n - 1 and h[-1] not in ("</s>", "<unk>") and rng.random() < 0.6]
        for history in histories:
            listed = rng.sample(vocabulary, rng.randint(1, len(vocabulary) - 1))
            shares = [rng.random() + 0.01 for _ in listed]
            mass = rng.uniform(0.2, 0.9)
            model.backoff[history] = (1 - mass) / (1 - sum(model.of(history[1:], word) for word in listed))
            for word, share in zip(listed, shares):
                model.probability[history + (word,)] = mass * share / sum(shares)
    interpolate.write(model, path)


class InterpolateTest(unittest.TestCase):
    def test_mixtures_sum_to_one_and_mix(self):
        seed = int(os.environ.get("SKALD_TEST_SEED", time.time_ns() % 1000000))
        print("SKALD_TEST_SEED=%d" % seed)
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(10):
                paths = [os.path.join(folder, name) for name in ("base.arpa", "domain.arpa.gz", "out.arpa.gz")]
                random_arpa(rng, ["A", "B", "C", "OLD"], rng.randint(1, 3), paths[0])
                random_arpa(rng, ["A", "B", "NEW"], rng.randint(1, 3), paths[1])
                weight = rng.uniform(0.05, 0.95)
                result = recipe("interpolate.py", *paths, "--weight", weight)
                self.assertEqual(result.returncode, 0, result.stderr)
                base, domain, mixed = map(interpolate.Model, paths)
                words = ["A", "B", "C", "OLD", "NEW", "</s>", "<unk>"]
                histories = [()] + [ngram for ngram in mixed.probability if len(ngram) < mixed.order and ngram[-1] not in ("</s>", "<unk>")]
                for history in histories:
                    self.assertAlmostEqual(sum(mixed.of(history, word) for word in words), 1, delta=1e-4)
                for ngram in mixed.probability:
                    if ngram != ("<s>",):
                        asked = (1 - weight) * base.of(ngram[:-1], ngram[-1]) + weight * domain.of(ngram[:-1], ngram[-1])
                        self.assertAlmostEqual(mixed.of(ngram[:-1], ngram[-1]), asked, delta=1e-5)
                # Skald's own reader takes it for the same model.
                text = os.path.join(folder, "text")
                sentence = [rng.choice(words[:4]) for _ in range(5)]
                pathlib.Path(text).write_text(" ".join(sentence) + "\n")
                scored = subprocess.run([SKALD, "lm", "score", "--sentences", paths[2], text], stdout=subprocess.PIPE, text=True, check=True).stdout
                history, log10 = ("<s>",), 0.0
                for word in sentence + ["</s>"]:
                    log10 += math.log10(mixed.of(history, word))
                    history += (word,)
                self.assertAlmostEqual(float(scored), log10, delta=1e-3)

    def test_the_weight_is_the_likeliest(self):
        rng = random.Random(7)
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("base.arpa", "domain.arpa", "text")]
            for path in paths[:2]:
                random_arpa(rng, ["A", "B", "C"], 2, path)
            pathlib.Path(paths[2]).write_text("".join(" ".join(rng.choice("AABC") for _ in range(6)) + "\n" for _ in range(20)))
            base, domain = map(interpolate.Model, paths[:2])

            def likelihood(weight):
                total = 0.0
                for line in open(paths[2], encoding="utf-8"):
                    history = ("<s>",)
                    for word in line.split() + ["</s>"]:
                        total += math.log((1 - weight) * base.of(history, word) + weight * domain.of(history, word))
                        history += (word,)
                return total

            found = interpolate.tune(base, domain, paths[2])
            best = max(likelihood(step / 200) for step in range(1, 200))
            self.assertGreaterEqual(likelihood(min(max(found, 1e-6), 1 - 1e-6)), best - 0.05)

    def test_bad_models_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            bad, good = os.path.join(folder, "bad.arpa"), os.path.join(folder, "good.arpa")
            random_arpa(random.Random(1), ["A"], 1, good)
            for content in ("nothing\n", "\\1-grams:\n-1 A B C D\n"):
                pathlib.Path(bad).write_text(content)
                result = recipe("interpolate.py", bad, good, os.path.join(folder, "out"), "--weight", 0.5)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("bad.arpa", result.stderr)


class RunTest(unittest.TestCase):
    def test_new_words_are_heard(self):
        """The whole recipe on a little text: a word that no lexicon has is in the graph, with its letters' names as an acronym."""
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "text"
            text.write_text("The QXZ daemon starts with the zorgblatt. A zorgblatt is a kind of QXZ service. "
                            "Nobody restarts the zorgblatt while the QXZ daemon runs. Every host has a zorgblatt daemon. " * 40)
            result = subprocess.run([RECIPE / "run", text, pathlib.Path(folder) / "out"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    env={**os.environ, "PYTHON": sys.executable})
            if result.returncode == 77:
                self.skipTest(result.stdout.strip())
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertIn("2 new words", result.stdout)
            self.assertIn("agree with the sources", result.stdout)
            out = pathlib.Path(folder) / "out"
            lexicon = [line.split("\t")[:2] for line in (out / "pronunciations.txt").read_text().splitlines()]
            self.assertIn(["QXZ", "K Y UW EH K S Z IY"], lexicon)
            self.assertIn("ZORGBLATT", [word for word, _ in lexicon])
            words = subprocess.run([SKALD, "graph", "words", out / "graph.skg"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            self.assertIn("ZORGBLATT", words)
            with gzip.open(out / "lm.arpa.gz", "rt") as file:
                self.assertTrue(any("\tTHE ZORGBLATT" in line for line in file))


if __name__ == "__main__":
    unittest.main()
