"""recipes/import_nemo: an archive with NeMo's names, made of a golden checkpoint, becomes a bundle with the same scores."""
import io
import pathlib
import subprocess
import sys
import tarfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tests/cli"))
sys.path.insert(0, str(PROJECT / "recipes/import_nemo"))
try:
    import sentencepiece
    import torch
    import yaml
    from safetensors.torch import load_file

    import import_nemo
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
from model_import_test import write_npy, write_wav
from skald_process import SkaldTest, run

GOLDEN = PROJECT / "tests/models/golden/hf/parakeet"
TO_NEMO = [("encoder.subsampling.layers.", "encoder.pre_encode.conv."),
           ("encoder.subsampling.linear.", "encoder.pre_encode.out."), ("ctc_head.", "decoder.decoder_layers.0."),
           (".conv.norm.", ".conv.batch_norm."), (".q_proj.", ".linear_q."), (".k_proj.", ".linear_k."),
           (".v_proj.", ".linear_v."), (".o_proj.", ".linear_out."), (".relative_k_proj.", ".linear_pos."),
           (".bias_u", ".pos_bias_u"), (".bias_v", ".pos_bias_v")]


def nemo_name(name):
    if ".relative_k_proj." in name:
        return name.replace(".relative_k_proj.", ".linear_pos.")
    for ours, theirs in TO_NEMO:
        name = name.replace(ours, theirs)
    return name


class ImportNemoTest(SkaldTest):
    def archive(self, **encoder_changes):
        state = {nemo_name(k): v for k, v in load_file(GOLDEN / "model.safetensors").items()}
        state["preprocessor.featurizer.window"] = torch.zeros(400)
        config = {"encoder": {"feat_in": 80, "n_layers": 2, "d_model": 32, "n_heads": 2, "ff_expansion_factor": 1.5,
                              "subsampling": "dw_striding", "subsampling_factor": 8, "conv_kernel_size": 5,
                              "self_attention_model": "rel_pos", "xscaling": True, **encoder_changes},
                  "preprocessor": {"features": 80, "window_size": 0.025, "window_stride": 0.01, "n_fft": 512,
                                   "normalize": "per_feature", "window": "hann", "sample_rate": 16000, "log": True}}
        weights = io.BytesIO()
        torch.save(state, weights)
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["ab cab decade bead face ghee hij cafe bag"] * 20), model_writer=model,
            vocab_size=17, model_type="bpe", bos_id=-1, eos_id=-1)
        path = self.folder / "m.nemo"
        with tarfile.open(path, "w") as archive:
            for name, data in (("./model_config.yaml", yaml.safe_dump(config).encode()),
                               ("./model_weights.ckpt", weights.getvalue()),
                               ("./abc_tokenizer.model", model.getvalue())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return path

    def test_scores_are_those_of_the_same_weights_in_transformers(self):
        import_nemo.convert(self.archive(), self.folder / "checkpoint")
        bundle = self.folder / "bundle"
        result = run("model", "import", "hf", self.folder / "checkpoint", bundle)
        self.assertEqual(result.returncode, 0, result.stderr)
        golden = load_file(GOLDEN / "golden.safetensors")
        (bundle / "golden").mkdir()
        for window in range(2):
            stem = bundle / "golden" / f"w{window}"
            values = {name: golden[f"{name}.{window}"] for name in ("samples", "features", "log_probs")}
            write_wav(stem.with_suffix(".wav"), values["samples"].numpy().tobytes())
            write_npy(stem.with_suffix(".logprobs_ctc.npy"), list(values["log_probs"].shape),
                      values["log_probs"].numpy().tobytes())
            mel = values["features"].T.contiguous()
            write_npy(stem.with_suffix(".mel.npy"), list(mel.shape), mel.numpy().tobytes())
        check = run("model", "check", bundle)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_names_what_is_not_run(self):
        with self.assertRaisesRegex(import_nemo.Refused, "self_attention_model is abs_pos; Skald runs rel_pos"):
            import_nemo.convert(self.archive(self_attention_model="abs_pos"), self.folder / "checkpoint")
        self.assertFalse((self.folder / "checkpoint").exists())
        process = subprocess.run([sys.executable, PROJECT / "recipes/import_nemo/import_nemo.py",
                                  self.archive(subsampling="vggnet"), self.folder / "checkpoint"],
                                 stderr=subprocess.PIPE, text=True)
        self.assertEqual(process.returncode, 1)
        self.assertIn("subsampling is vggnet", process.stderr)


if __name__ == "__main__":
    unittest.main()
