"""One more head: its units come from the words, its first scores from the old head, and the engine reads it."""
import gzip
import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import torch

import add_head
import bundles
from sentences import word_probabilities
from tiny_corpus import EN_BASE
from units import MARKER, Units

RECIPE = pathlib.Path(__file__).resolve().parents[3] / "recipes" / "train_ctc"
OLD = ["<blk>", "A", "B", "AB", MARKER + "A", "C", MARKER]
NEW = ["<blk>", "AB", "CAB", MARKER + "A", "A", "BA", MARKER + "CA", "B", MARKER]


class FirstWeightsTest(unittest.TestCase):
    def test_longest_ending(self):
        numbers = {symbol: number for number, symbol in enumerate(OLD)}
        endings = [OLD[add_head.longest_ending(symbol, numbers)] for symbol in NEW[1:]]
        self.assertEqual(endings, ["AB", "AB", MARKER + "A", "A", "A", "A", "B", MARKER])
        with self.assertRaisesRegex(ValueError, "no unit of the old head ends CD"):
            add_head.longest_ending("CD", numbers)

    def test_units_share_the_probability_of_what_they_start_from(self):
        torch.manual_seed(5)
        weight, bias = torch.randn(len(OLD), 16), torch.randn(len(OLD))
        scores = [0.0, *(-3 * torch.rand(len(NEW) - 1)).tolist()]
        new_weight, new_bias = add_head.first_weights(weight, bias, OLD, NEW, scores)
        encoded = torch.randn(50, 16)
        old, new = encoded @ weight.T + bias, (encoded @ new_weight.T + new_bias).exp()
        for source, started in {0: [0], 3: [1, 2], 4: [3], 1: [4, 5, 6], 2: [7], 6: [8]}.items():
            torch.testing.assert_close(new[:, started].sum(1), old[:, source].exp(), rtol=1e-4, atol=0)
        torch.testing.assert_close((new[:, 1] / new[:, 2]).log(), torch.full((50,), scores[1] - scores[2]), rtol=0, atol=1e-4)


class AddHeadTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_probabilities_of_words(self):
        arpa = self.folder / "lm.arpa"
        arpa.write_text("\\data\\\nngram 1=4\nngram 2=1\n\n\\1-grams:\n-1\t</s>\n-99\t<s>\t-0.5\n-2\tA\t-0.1\n-1\tB\n\n"
                        "\\2-grams:\n-0.5\tA B\n\n\\end\\\n", encoding="utf-8")
        self.assertEqual(word_probabilities(arpa), {"A": 0.01, "B": 0.1})

    def bundle_of_few_words(self):
        """en-base with a language model of 3,000 words, of which sub-words are quickly made."""
        bundle = self.folder / "few"
        shutil.copytree(EN_BASE, bundle, ignore=shutil.ignore_patterns("golden", "lm*"))
        with gzip.open(EN_BASE / "words.txt.gz", "rt", encoding="utf-8") as lines:
            counts = [line.split("\t") for line in itertools.islice(lines, 3000)]
        total = sum(int(count) for _, count in counts)
        entries = "".join(f"{math.log10(int(count) / total):.4f}\t{word}\n" for word, count in counts)
        with gzip.open(bundle / "lm.arpa.gz", "wt", encoding="utf-8") as file:
            file.write(f"\\data\\\nngram 1={len(counts)}\n\n\\1-grams:\n{entries}\n\\end\\\n")
        description = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
        description["files"] = {name: entry for name, entry in description["files"].items() if not name.startswith("lm-")}
        (bundle / "bundle.json").write_text(json.dumps(description), encoding="utf-8")
        return bundle

    def test_the_engine_reads_the_bundle(self):
        out = self.folder / "headed"
        command = [sys.executable, RECIPE / "add_head.py", out, self.bundle_of_few_words(), "long", "400"]
        subprocess.run(command, check=True)
        weights, before = bundles.read_weights(out), bundles.read_weights(EN_BASE)
        self.assertEqual(weights["ctc.long.weight"].shape, (400, 512))
        for name, tensor in before.items():
            self.assertTrue(torch.equal(weights[name], tensor), name)
        units = Units(out, ["bpe", "long"])
        words = "THE UNITED STATES WERE NOTICEABLE".split()
        self.assertEqual(units.text("long", units.encode("long", words)).split(), words)
        self.assertLess(len(units.encode("long", words)), len(units.encode("bpe", words)))

        def said(bundle, head):
            return subprocess.run([os.environ["SKALD"], "transcribe", "--model", bundle, "--decode", "greedy", "--head", head,
                                   EN_BASE / "golden" / "jfk.wav"], stdout=subprocess.PIPE, text=True, check=True).stdout

        self.assertEqual(said(out, "bpe"), said(EN_BASE, "bpe"))
        self.assertIn("COUNTRY", said(out, "bpe"))
        self.assertGreater(len(said(out, "long").split()), 5)
        again = subprocess.run([*command[:2], self.folder / "twice", out, "long", "400"], stderr=subprocess.PIPE, text=True,
                               check=False)
        self.assertEqual(again.returncode, 2)
        self.assertIn("has the heads char, bpe, phone, long", again.stderr)


if __name__ == "__main__":
    unittest.main()
