"""Tests of the parts of recipes/train_ctc against golden data, definitions and each other."""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import wave

import numpy as np
import torch

import architectures
import augmentation
import bundles
import config as config_module
import corpus
import examples
import media
import units as units_module
import validation
from averages import MovingAverage, mean_of
from ctc_model import CtcModel, collapsed, ctc_loss_sum
from features import log_mel
from train import learning_rate_factor

PROJECT = pathlib.Path(__file__).resolve().parents[3]
BUNDLES = [PROJECT / "models" / name for name in ("en-base", "en-base-25fps")]
GOLDEN_NAMES = ("jfk", "short", "long15")
WHISPER = {"type": "whisper-encoder", "width": 512, "layers": 6, "feed_forward_width": 2048}
SMALL = [{"type": "whisper-encoder", "width": 64, "layers": 3, "feed_forward_width": 128, "pool_after_layer": 1},
         {"type": "whisper-encoder", "width": 64, "layers": 2, "feed_forward_width": 128},
         {"type": "conformer", "width": 64, "layers": 2, "feed_forward_width": 128, "kernel": 7},
         {"type": "tdnnf", "width": 64, "bottleneck": 16, "layers": 6}]


def tolerance(name):
    """A constant of tests/support/tolerances.h."""
    text = (PROJECT / "tests" / "support" / "tolerances.h").read_text()
    return float(re.search(rf"{name} = ([^;]+);", text).group(1))


def golden_samples(bundle, name):
    with wave.open(str(bundle / "golden" / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def seed():
    value = int(os.environ.get("SKALD_TEST_SEED", np.random.SeedSequence().entropy % 2**32))
    print(f"SKALD_TEST_SEED={value}")
    return value


class FeaturesTest(unittest.TestCase):
    def test_equals_the_golden_features_of_the_engine(self):
        for bundle in BUNDLES:
            for name in GOLDEN_NAMES:
                expected = np.load(bundle / "golden" / f"{name}.mel.npy").T
                found = log_mel(torch.from_numpy(golden_samples(bundle, name))).numpy()
                self.assertEqual(found.shape, expected.shape)
                self.assertLess(np.abs(found - expected).max(), tolerance("kLogMelAbs"))

    def test_pads_what_is_shorter_than_three_frames(self):
        self.assertEqual(log_mel(torch.zeros(100)).shape, (3, 80))


class ModelTest(unittest.TestCase):
    def test_bundle_weights_give_the_golden_scores(self):
        for bundle, pool in zip(BUNDLES, (None, 2)):
            sizes = units_module.Units(bundle, ("char", "bpe", "phone")).sizes()
            model = CtcModel({**WHISPER, "pool_after_layer": pool}, sizes).eval()
            bundles.load_into(model, bundle)
            for name in GOLDEN_NAMES:
                features = torch.from_numpy(np.load(bundle / "golden" / f"{name}.mel.npy")).T[None]
                with torch.no_grad():
                    logits, _ = model(features, torch.tensor([features.shape[1]]))
                for head in sizes:
                    expected = np.load(bundle / "golden" / f"{name}.logprobs_{head}.npy")
                    found = logits[head][0].log_softmax(-1).numpy()
                    where = f"{bundle.name} {name} {head}"
                    self.assertLess(np.abs(found - expected).max(), tolerance("kLogProbF32Abs"), where)

    def test_weights_of_other_sizes_are_refused_by_name(self):
        model = CtcModel({**WHISPER, "layers": 5}, {"bpe": 256})
        with self.assertRaisesRegex(ValueError, "en-base: its weights do not fit"):
            bundles.load_into(model, BUNDLES[0])

    def test_chosen_layers_of_a_bundle_become_those_of_a_smaller_model(self):
        model = CtcModel({**WHISPER, "layers": 2}, {"bpe": 256})
        bundles.load_into(model, BUNDLES[0], [4, 1])
        weights = bundles.read_weights(BUNDLES[0])
        for index, layer in enumerate((4, 1)):
            for name, parameter in model.encoder.layers[index].named_parameters():
                self.assertTrue(torch.equal(parameter, weights[f"encoder.layers.{layer}.{name}"]), name)
        self.assertTrue(torch.equal(model.encoder.conv2.weight, weights["encoder.conv2.weight"]))
        with self.assertRaisesRegex(ValueError, "en-base: there is no layer 6"):
            bundles.load_into(model, BUNDLES[0], [0, 6])
        with self.assertRaisesRegex(ValueError, "do not fit"):
            bundles.load_into(model, BUNDLES[0], [0])

    def test_result_does_not_depend_on_padding(self):
        generator = torch.Generator().manual_seed(seed())
        for options in SMALL:
            encoder = architectures.build(options).eval()
            for frames in (37, 61, 64, 131):
                features = torch.randn(2, 140, 80, generator=generator)
                features[1, frames:] = 0
                with torch.no_grad():
                    together, counts = encoder(features, torch.tensor([140, frames]))
                    alone, count = encoder(features[1:, :frames], torch.tensor([frames]))
                self.assertEqual(counts[1], count[0], options)
                difference = (together[1, : counts[1]] - alone[0, : count[0]]).abs().max()
                self.assertLess(float(difference), tolerance("kLogProbF32Abs"), options)

    def test_unknown_type_and_option_are_named(self):
        with self.assertRaisesRegex(ValueError, "'lstm': not one of"):
            architectures.build({"type": "lstm"})
        with self.assertRaisesRegex(ValueError, "conformer: .*depth"):
            architectures.build({"type": "conformer", "depth": 3})

    def test_bottleneck_is_pulled_to_semi_orthogonal(self):
        torch.manual_seed(seed())
        encoder = architectures.build(SMALL[3])

        def distance():
            matrix = encoder.layers[0].narrow.weight.detach().flatten(1)
            product = matrix @ matrix.T
            return float((product / product.trace() * len(product) - torch.eye(len(product))).norm())

        before = distance()
        for step in range(0, 400, 4):
            encoder.after_update(step)
        self.assertLess(distance(), 0.05 * before)


class LossTest(unittest.TestCase):
    def test_is_the_sum_over_alignments(self):
        logits = torch.tensor([[[0.1, 0.7, -0.3], [1.0, -0.2, 0.4], [0.3, 0.3, 0.9]]])
        target, paths = [1, 2], []
        for path in np.ndindex(3, 3, 3):
            if collapsed(list(path)) == target:
                paths.append(sum(logits[0, t].log_softmax(-1)[unit] for t, unit in enumerate(path)))
        expected = -torch.logsumexp(torch.stack(paths), 0)
        found = ctc_loss_sum(logits, torch.tensor([3]), [target])
        self.assertAlmostEqual(float(found), float(expected), delta=tolerance("kLogProbF32Abs"))

    def test_examples_without_target_or_with_too_few_frames_count_nothing(self):
        logits = torch.randn(3, 5, 4, requires_grad=True)
        alone = ctc_loss_sum(logits[:1], torch.tensor([5]), [[1, 2]])
        with_others = ctc_loss_sum(logits, torch.tensor([5, 5, 2]), [[1, 2], None, [1, 1, 1]])
        self.assertAlmostEqual(float(alone.detach()), float(with_others.detach()), delta=tolerance("kLogProbF32Abs"))
        ctc_loss_sum(logits, torch.tensor([5, 5, 5]), [None] * 3).backward()
        self.assertEqual(float(logits.grad.abs().sum()), 0)


class UnitsTest(unittest.TestCase):
    def test_text_goes_through_letters_and_sub_words(self):
        units = units_module.Units(BUNDLES[0], ("char", "bpe", "phone"))
        words = units_module.words_of("Don't  stop: the well-known bookkeeper's 'ere")
        self.assertEqual(words, ["DON'T", "STOP", "THE", "WELL", "KNOWN", "BOOKKEEPER'S", "'ERE"])
        for head in ("char", "bpe"):
            self.assertEqual(units.text(head, units.encode(head, words)), " ".join(words))
        self.assertEqual(units.text("phone", units.encode("phone", ["HELLO", "WORLD"])), "HH AH L OW W ER L D")
        self.assertIsNone(units.encode("phone", ["XQZZT"]))

    def test_head_that_the_bundle_lacks_is_named(self):
        with self.assertRaisesRegex(ValueError, "bundle.json: no head senone"):
            units_module.Units(BUNDLES[0], ["senone"])


class AugmentationTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(seed())
        self.speech = golden_samples(BUNDLES[0], "short")

    def test_speed_changes_the_length_only_as_asked(self):
        self.assertEqual(len(augmentation.change_speed(self.speech, 1.25)), int(len(self.speech) / 1.25))
        np.testing.assert_array_equal(augmentation.change_speed(self.speech, 1.0), self.speech)

    def test_noise_has_the_level_asked_for(self):
        noise = augmentation.add_noise(self.speech, 12, 0.5, self.random) - self.speech
        self.assertAlmostEqual(10 * np.log10(np.mean(self.speech**2) / np.mean(noise**2)), 12, places=2)

    def test_codec_keeps_length_and_place(self):
        decoded = media.through_mp3(self.speech, 24)
        self.assertEqual(len(decoded), len(self.speech))
        shifts = range(-300, 301)
        match = [np.dot(decoded[400:-400], self.speech[400 + shift : len(self.speech) - 400 + shift]) for shift in shifts]
        self.assertEqual(shifts[int(np.argmax(match))], 0)
        self.assertGreater(float(np.abs(decoded - self.speech).max()), 0)

    def test_masks_cover_no_more_than_asked(self):
        options = config_module.Augmentation(frequency_masks=1, frequency_mask_bins=5, time_masks_per_s=0)
        for _ in range(20):
            features = torch.arange(300.0 * 80).view(300, 80)
            plain = features.clone()
            augmentation.mask_features(features, options, self.random)
            self.assertLessEqual(int((features != plain).any(0).sum()), 5)


class CorpusTest(unittest.TestCase):
    """Packing and the order of examples, on a corpus made of the golden recordings."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        source = self.folder / "tiny"
        (source / "audio").mkdir(parents=True)
        lines = []
        for copy in range(6):
            for name in GOLDEN_NAMES:
                shutil.copy(BUNDLES[0] / "golden" / f"{name}.wav", source / "audio" / f"{name}-{copy}.wav")
                text = (BUNDLES[0] / "golden" / f"{name}.ref.txt").read_text().split(maxsplit=1)[1].strip()
                lines.append(f"{name}-{copy} {text}\n")
        (source / "text").write_text("".join(lines) + "absent WORDS WITHOUT AUDIO\n")
        (self.folder / "packed").mkdir()
        corpus.pack(source, self.folder / "packed")
        self.packed = corpus.Packed(self.folder / "packed", ["tiny"])
        self.config = config_module.load(PROJECT / "recipes" / "train_ctc" / "configs" / "smoke.json")
        self.units = units_module.Units(BUNDLES[0], self.config.heads)

    def test_packed_samples_are_those_of_the_files(self):
        self.assertEqual(len(self.packed.utterances), 18)
        for utterance in self.packed.utterances[::7]:
            name = utterance["utterance"].split("-")[0]
            np.testing.assert_array_equal(self.packed.samples(utterance), golden_samples(BUNDLES[0], name))

    def test_corpus_without_text_is_refused_by_name(self):
        (self.folder / "empty" / "audio").mkdir(parents=True)
        with self.assertRaisesRegex(ValueError, "empty/text: missing or empty"):
            corpus.pack(self.folder / "empty", self.folder / "packed")

    def test_every_utterance_comes_once_an_epoch_in_joined_examples(self):
        usable = list(examples.usable(self.packed.utterances, 26))
        epoch = examples.Epoch(self.packed, usable, self.config, self.units, 3)
        seen = [utterance["utterance"] for batch in epoch.batches for example in batch for utterance in example.utterances]
        self.assertEqual(sorted(seen), sorted(utterance["utterance"] for utterance in usable))
        for batch in epoch.batches:
            for example in batch:
                self.assertLessEqual(example.duration_s, self.config.data.longest_example_s)
            longest_s = max(example.duration_s for example in batch)
            self.assertLessEqual(len(batch) * longest_s, self.config.training.batch_s)

    def test_batches_repeat_exactly_and_differ_between_epochs(self):
        self.config.augmentation = config_module.Augmentation(noise_probability=1, codec_probability=1)
        usable = list(examples.usable(self.packed.utterances, 26))
        first, again, other = (examples.Epoch(self.packed, usable, self.config, self.units, epoch) for epoch in (0, 0, 1))
        self.assertTrue(torch.equal(first[0].features, again[0].features))
        self.assertFalse(first[0].features.shape == other[0].features.shape and
                         torch.equal(first[0].features, other[0].features))

    def test_digits_and_overlong_utterances_are_left_out(self):
        utterance = {"samples": 16000 * 5, "text": "IN 1999"}
        self.assertEqual(list(examples.usable([utterance, {"samples": 16000 * 40, "text": "LONG"}], 26)), [])


class ConfigTest(unittest.TestCase):
    def test_all_configs_load_and_build(self):
        for path in sorted((PROJECT / "recipes" / "train_ctc" / "configs").glob("*.json")):
            config = config_module.load(path)
            architectures.build(config.architecture)
            self.assertEqual(config_module.from_dict(json.loads(json.dumps(config_module.as_dict(config)))), config)

    def test_unknown_and_missing_members_are_named(self):
        values = config_module.as_dict(config_module.load(PROJECT / "recipes" / "train_ctc" / "configs" / "smoke.json"))
        with self.assertRaisesRegex(ValueError, "training: unknown member momentum"):
            config_module.from_dict({**values, "training": {"momentum": 1}})
        del values["heads"]
        with self.assertRaisesRegex(ValueError, "heads"):
            config_module.from_dict(values)

    def test_learning_rate_rises_stays_and_falls_to_zero(self):
        training = config_module.Training(steps=100, warm_up_steps=10, anneal_fraction=0.5)
        factors = [learning_rate_factor(step, training) for step in range(101)]
        self.assertEqual((factors[0], factors[9], factors[49], factors[75], factors[100]), (0.1, 1, 1, 0.5, 0))


class AveragesTest(unittest.TestCase):
    def test_average_follows_and_own_weights_come_back(self):
        model = torch.nn.Linear(2, 2)
        average = MovingAverage(model, decay=0.99)
        start = model.weight.detach().clone()
        with torch.no_grad():
            model.weight += 1
        average.update(model)  # the first update: 1 of 11 parts are the old average
        with average.in_place_of(model):
            torch.testing.assert_close(model.weight.detach(), start + 10 / 11)
        torch.testing.assert_close(model.weight.detach(), start + 1)

    def test_mean_of_checkpoints(self):
        mean = mean_of([{"a": torch.tensor([1.0, 2])}, {"a": torch.tensor([3.0, 6])}])
        torch.testing.assert_close(mean["a"], torch.tensor([2.0, 4]))


class ValidationTest(unittest.TestCase):
    def test_edit_distance(self):
        for reference, hypothesis, expected in (("kitten", "sitting", 3), ("", "ab", 2), ("ab", "", 2), ("abc", "abc", 0)):
            self.assertEqual(validation.edit_distance(reference, hypothesis), expected)

    def test_collapsed(self):
        self.assertEqual(collapsed([0, 3, 3, 0, 3, 5, 5, 0]), [3, 3, 5])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
