"""Narrower feed-forward layers: which units stay, what is fitted to them, and that the engine reads the bundle."""
import copy
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import torch

import bundles
import narrow
from architectures.whisper_encoder import WhisperEncoder
from tiny_corpus import EN_BASE, tiny_corpus

RECIPE = pathlib.Path(__file__).resolve().parents[3] / "recipes" / "train_ctc"


def sums(hidden, outputs):
    hidden = torch.cat([hidden, torch.ones(len(hidden), 1, dtype=hidden.dtype)], 1)
    return hidden.T @ hidden, hidden.T @ outputs


class FittedTest(unittest.TestCase):
    def setUp(self):
        self.generator = torch.Generator().manual_seed(7)

    def random(self, *shape):
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def test_units_that_matter_stay_with_their_weights(self):
        hidden = self.random(1000, 150)
        needed = torch.tensor([3, 17, 80, 149])
        weights, bias = self.random(4, 5), self.random(5)
        kept, found, found_bias = narrow.fitted(*sums(hidden, hidden[:, needed] @ weights + bias), 4)
        self.assertEqual(kept.tolist(), needed.tolist())
        torch.testing.assert_close(found, weights, atol=1e-4, rtol=0)
        torch.testing.assert_close(found_bias, bias, atol=1e-4, rtol=0)

    def test_of_two_equal_units_one_is_enough(self):
        half = self.random(1000, 32)
        outputs = torch.cat([half, half], 1) @ self.random(64, 8)
        kept, weights, bias = narrow.fitted(*sums(torch.cat([half, half], 1), outputs), 32)
        self.assertEqual(sorted(unit % 32 for unit in kept.tolist()), list(range(32)))
        torch.testing.assert_close(torch.cat([half, half], 1)[:, kept] @ weights + bias, outputs, atol=1e-3, rtol=0)

    def test_choice_beats_the_first_units_and_fit_beats_the_old_weights(self):
        hidden = self.random(2000, 200) @ self.random(200, 200)  # correlated
        weights = self.random(200, 10)
        outputs = hidden @ weights
        kept, found, bias = narrow.fitted(*sums(hidden, outputs), 100)
        error = float((hidden[:, kept] @ found + bias - outputs).square().sum())
        first = torch.linalg.lstsq(hidden[:, :100], outputs).solution
        self.assertLess(error, 0.9 * float((hidden[:, :100] @ first - outputs).square().sum()))
        self.assertLess(error, 0.5 * float((hidden[:, kept] @ weights[kept] - outputs).square().sum()))


class NarrowTest(unittest.TestCase):
    def encoders(self):
        torch.manual_seed(3)
        wide = WhisperEncoder(width=64, layers=3, feed_forward_width=256, pool_after_layer=1).eval()
        return wide, copy.deepcopy(wide), [torch.randn(frames, 80) for frames in (301, 200, 777)]

    def output_error(self, wide, narrowed, features):
        with torch.no_grad():
            pairs = [[one(feature[None], torch.tensor([len(feature)]))[0] for one in (wide, narrowed)] for feature in features]
        return float(torch.cat([(x - y).flatten() for x, y in pairs]).square().mean())

    def test_all_units_change_nothing_and_fewer_change_more(self):
        errors = []
        for width in (256, 192, 64):
            wide, narrowed, features = self.encoders()
            narrow.narrow(narrowed, wide, width, features)
            self.assertEqual({layer.fc1.out_features for layer in narrowed.layers}, {width})
            errors.append(self.output_error(wide, narrowed, features))
        self.assertLess(errors[0], 1e-6)
        self.assertLess(errors[0], errors[1])
        self.assertLess(errors[1], errors[2])
        wide, cut, features = self.encoders()
        for layer in cut.layers:  # what leaving out without a fit costs
            layer.fc2.weight.data[:, 64:] = 0
        self.assertLess(2 * errors[2], self.output_error(wide, cut, features))

    def test_the_engine_reads_the_bundle(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        corpus = tiny_corpus(folder / "tiny")
        out = folder / "narrow"
        command = [sys.executable, RECIPE / "narrow.py", out, EN_BASE, "1984", corpus]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn("layer 5: ", said)
        self.assertEqual(bundles.read_weights(out)["encoder.layers.0.fc1.weight"].shape, (1984, 512))
        texts = [subprocess.run([os.environ["SKALD"], "transcribe", "--model", bundle, "--decode", "greedy", "--head", "char",
                                 EN_BASE / "golden" / "jfk.wav"], stdout=subprocess.PIPE, text=True, check=True).stdout
                 for bundle in (EN_BASE, out)]
        self.assertGreater(difflib.SequenceMatcher(None, *texts).ratio(), 0.8, texts)
        refused = subprocess.run([*command[:4], "1000", corpus], stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("not a multiple of 64", refused.stderr)


if __name__ == "__main__":
    unittest.main()
