"""Stored activations: the layers above them do what they would have done on the features, and the layers below run once."""
import pathlib
import shutil
import tempfile
import unittest

import torch

import checkpoints
import config as config_module
from architectures.whisper_encoder import WhisperEncoder
from tiny_corpus import EN_BASE, tiny_corpus
from train import Processes, Trainer


class ActivationsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.values = {
            "name": "stored", "start_from": "", "units_from": str(EN_BASE), "heads": {"bpe": 1.0},
            "architecture": {"type": "whisper-encoder", "width": 64, "layers": 3, "feed_forward_width": 128,
                             "pool_after_layer": 0},
            "data": {"train": [str(tiny_corpus(self.folder / "tiny"))], "validation": []},
            "training": {"steps": 6, "batch_s": 20, "batches_per_step": 2, "checkpoint_s": -1, "kept_checkpoints": 10,
                         "first_trained_layer": 2, "activation_copies": 2}}

    def trainer(self, run="run"):
        return Trainer(config_module.from_dict(self.values), self.folder / run, Processes())

    def test_lower_and_upper_layers_are_the_encoder(self):
        torch.manual_seed(5)
        for first in (0, 1, 2, 3):
            encoder = WhisperEncoder(width=64, layers=3, feed_forward_width=128, pool_after_layer=1).eval()
            encoder.first_trained_layer = first
            features, counts = torch.randn(2, 101, 80), torch.tensor([101, 60])
            whole, whole_counts = encoder(features, counts)
            parts, parts_counts = encoder.upper(*encoder.lower(features, counts))
            self.assertTrue(torch.equal(whole, parts))
            self.assertTrue(torch.equal(whole_counts, parts_counts))

    def test_what_is_read_is_what_was_computed(self):
        trainer = self.trainer()
        computed = [trainer._epoch()[place] for place in range(len(trainer._epoch()))]
        trainer.model.encoder.lower = None  # would fail if it were called again
        for place, expected in enumerate(computed):
            found = trainer._epoch()[place]
            self.assertTrue(torch.equal(found.features, expected.features))
            self.assertTrue(torch.equal(found.frames, expected.frames))
            self.assertEqual((found.targets, found.audio_s, found.lowered), (expected.targets, expected.audio_s, True))

    def test_copies_return_in_another_order(self):
        trainer = self.trainer()
        orders = []
        for trainer.epoch in (0, 2, 4):
            epoch = trainer._epoch()
            orders.append(epoch._numbers)
            self.assertEqual(epoch._copy, 0)
        self.assertEqual([sorted(order) for order in orders], [list(range(len(orders[0])))] * 3)
        self.assertGreater(len({tuple(order) for order in orders}), 1)

    def test_training_goes_on_after_a_stop_exactly(self):
        self.trainer("whole").run()
        stopped = self.folder / "stopped" / "checkpoints"
        stopped.mkdir(parents=True)
        shutil.copy(self.folder / "whole" / "checkpoints" / "step-000003.pt", stopped)
        self.trainer("stopped").run()
        whole, resumed = (checkpoints.Checkpoints(self.folder / run / "checkpoints", 10).newest()["model"]
                          for run in ("whole", "stopped"))
        for name, tensor in whole.items():
            self.assertTrue(torch.equal(resumed[name], tensor), name)

    def test_other_augmentation_is_another_store(self):
        one = self.trainer().activations._folder
        self.values["augmentation"] = {"speed": 0.2}
        self.assertNotEqual(self.trainer().activations._folder, one)

    def test_settings_that_cannot_be_stored_are_refused(self):
        self.values["training"]["loader_processes"] = 1
        with self.assertRaisesRegex(ValueError, "loader_processes must be 0"):
            self.trainer()
        self.values["training"].update(loader_processes=0, first_trained_layer=0)
        with self.assertRaisesRegex(ValueError, "first_trained_layer above 0"):
            self.trainer()


if __name__ == "__main__":
    unittest.main()
