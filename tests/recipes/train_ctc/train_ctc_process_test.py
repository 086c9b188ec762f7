"""Training as a whole: it goes on after a stop as if there had been none, and does the same in two processes."""
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import torch

import bundles
import checkpoints
import config as config_module
from tiny_corpus import EN_BASE, tiny_corpus
from train import Processes, Trainer

PROJECT = pathlib.Path(__file__).resolve().parents[3]
RECIPE = PROJECT / "recipes" / "train_ctc"


class TrainingTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        torch.set_num_threads(1)  # as in each of two processes: how bfloat16 sums are rounded depends on how threads share them

    def tiny_config(self):
        values = json.loads((RECIPE / "configs" / "smoke.json").read_text())
        values.update(start_from="", units_from=str(EN_BASE), heads={"char": 1.0, "bpe": 0.5})
        values["architecture"] = {"type": "tdnnf", "width": 64, "bottleneck": 16, "layers": 4}
        values["data"] = {"train": [str(tiny_corpus(self.folder / "tiny"))], "validation": []}
        values["augmentation"] = {}
        values["training"] = {"steps": 6, "batch_s": 20, "batches_per_step": 2, "checkpoint_s": -1, "kept_checkpoints": 10,
                              "warm_up_steps": 1, "gradient_norm": 1e9}
        return values

    def final_state(self, run):
        return checkpoints.read(checkpoints.Checkpoints(run / "checkpoints", 10).paths()[-1])

    def test_goes_on_after_a_stop_exactly(self):
        config = config_module.from_dict(self.tiny_config())
        Trainer(config, self.folder / "whole", Processes()).run()
        stopped = self.folder / "stopped"
        (stopped / "checkpoints").mkdir(parents=True)
        shutil.copy(self.folder / "whole" / "checkpoints" / "step-000003.pt", stopped / "checkpoints")
        Trainer(copy.deepcopy(config), stopped, Processes()).run()
        whole, resumed = self.final_state(self.folder / "whole"), self.final_state(stopped)
        self.assertEqual([resumed[key] for key in ("step", "epoch", "first_batch")],
                         [whole[key] for key in ("step", "epoch", "first_batch")])
        self.assertAlmostEqual(resumed["hours"], whole["hours"])
        for found, expected in ((resumed["model"], whole["model"]),
                                (resumed["average"]["average"], whole["average"]["average"])):
            for name, tensor in expected.items():
                self.assertTrue(torch.equal(found[name], tensor), name)

    def test_two_processes_do_what_one_does(self):
        values = self.tiny_config()
        values["training"]["steps"] = 1
        path = self.folder / "config.json"
        path.write_text(json.dumps(values))
        Trainer(config_module.load(path), self.folder / "one", Processes()).run()
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
                   RECIPE / "train.py", path, self.folder / "two"]
        torchrun = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
        try:
            self.assertEqual(torchrun.wait(timeout=600), 0)
        finally:
            if torchrun.poll() is None:
                torchrun.terminate()  # it ends its workers; killed, it would leave them behind
                torchrun.wait(timeout=60)
        # After one step the first moments are a tenth of the gradient: they show a wrong scale, which Adam's update hides.
        one, two = (self.final_state(self.folder / run)["optimizer"]["state"] for run in ("one", "two"))
        for parameter, state in one.items():
            expected, found = state["exp_avg"], two[parameter]["exp_avg"]
            self.assertLess(float((found - expected).norm()), 1e-4 * float(expected.norm()), f"parameter {parameter}")

    def test_speaker_of_training_in_validation_is_refused(self):
        values = self.tiny_config()
        values["data"]["validation"] = values["data"]["train"]
        with self.assertRaisesRegex(ValueError, "speaker .* is in training and validation"):
            Trainer(config_module.from_dict(values), self.folder / "run", Processes())

    def test_architecture_that_the_engine_lacks_is_not_exported(self):
        with self.assertRaisesRegex(ValueError, "tdnnf: the engine runs whisper-encoder only"):
            bundles.write(self.folder / "bundle", "x", config_module.from_dict(self.tiny_config()), {})

    def test_card_of_an_exported_bundle_says_its_own_data_and_no_figures_of_other_weights(self):
        values = self.tiny_config()
        values.update(start_from=str(EN_BASE), heads={"char": 1.0, "bpe": 1.0, "phone": 1.0})
        values["architecture"] = {"type": "whisper-encoder", "width": 512, "layers": 6, "feed_forward_width": 2048}
        bundles.write(self.folder / "bundle", "x", config_module.from_dict(values), bundles.read_weights(EN_BASE))
        card = json.loads((self.folder / "bundle" / "bundle.json").read_text())["card"]
        self.assertEqual(card["data"], "Started from en-base. Trained on tiny")
        self.assertNotIn("word_error_rates", card)
        self.assertIn("intended_use", card)

    def test_mean_of_a_checkpoint_and_a_bundle_has_the_heads_of_both(self):
        values = self.tiny_config()
        values.update(start_from=str(EN_BASE), heads={"char": 1.0, "new": 1.0})
        values["architecture"] = {"type": "whisper-encoder", "width": 512, "layers": 6, "feed_forward_width": 2048}
        before = bundles.read_weights(EN_BASE)
        bias = "encoder.layers.5.fc2.bias"
        trained = {**before, bias: before[bias] + 1, "ctc.new.weight": torch.zeros(4, 512), "ctc.new.bias": torch.zeros(4)}
        path = checkpoints.Checkpoints(self.folder / "checkpoints", 1).save(1, {"config": values, "average": {"average": trained}})
        command = [sys.executable, RECIPE / "bundles.py", self.folder / "mean"]
        subprocess.run([*command, path, EN_BASE], check=True)
        found = bundles.read_weights(self.folder / "mean")
        self.assertEqual({name.split(".")[1] for name in found if name.startswith("ctc.")}, {"char"})
        torch.testing.assert_close(found[bias], before[bias] + 0.5, atol=1e-3, rtol=0)
        torch.testing.assert_close(found["ctc.char.weight"], before["ctc.char.weight"])
        heads = json.loads((self.folder / "mean" / "bundle.json").read_text())["heads"]
        self.assertEqual(list(heads), ["char"])
        alone = subprocess.run([*command, EN_BASE], stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(alone.returncode, 2)
        self.assertIn("no checkpoint among the sources", alone.stderr)


if __name__ == "__main__":
    unittest.main()
