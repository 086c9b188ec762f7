"""`skald transcribe --also-model`: scores of several bundles fused frame by frame."""
import difflib
import hashlib
import json
import random
import shutil
import struct
import unittest

from skald_process import BUNDLE, SkaldTest, run


class AlsoModelTest(SkaldTest):
    def perturbed_bundle(self):
        """A copy of the default bundle whose biases and scales have noise of two percent."""
        bundle = self.folder / "perturbed"
        bundle.mkdir()
        for path in BUNDLE.iterdir():
            if path.name not in ("bundle.json", "model.safetensors"):
                (bundle / path.name).symlink_to(path)
        data = bytearray((BUNDLE / "model.safetensors").read_bytes())
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        noise = random.Random(1)
        for name, tensor in header.items():
            begin, end = (8 + length + offset for offset in tensor.get("data_offsets", (0, 0)))
            if tensor.get("dtype") not in ("F16", "F32") or end - begin > 100000:
                continue
            kind = "<%d%s" % ((end - begin) // (2 if tensor["dtype"] == "F16" else 4), "e" if tensor["dtype"] == "F16" else "f")
            values = struct.unpack(kind, data[begin:end])
            data[begin:end] = struct.pack(kind, *(value * noise.gauss(1, 0.02) for value in values))
        (bundle / "model.safetensors").write_bytes(data)
        manifest = json.loads((BUNDLE / "bundle.json").read_text())
        manifest["files"]["model.safetensors"]["sha256"] = hashlib.sha256(data).hexdigest()
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        return bundle

    def transcribe(self, name, *arguments):
        out = self.folder / name
        result = run("transcribe", "--device", "cpu", "--out", out, "--format", "json", "--progress", "none", *arguments, self.audio_sample())
        self.assertEqual(result.returncode, 0, result.stderr)
        transcript = json.loads(next(out.glob("*.json")).read_text())
        return transcript["segments"], transcript["options"]["also_models"]

    def test_fusing(self):
        alone, said = self.transcribe("alone")
        self.assertEqual(said, "none")
        # Weight 0 changes nothing; the model with itself hardly anything, and no word.
        self.assertEqual(self.transcribe("zero", "--also-model", "%s=0" % BUNDLE)[0], alone)
        bundle = self.perturbed_bundle()
        words = [word["word"] for segment in alone for word in segment["words"]]
        confidences = {}
        for rule in ("arithmetic", "log-linear"):
            for other in (BUNDLE, bundle):
                segments, said = self.transcribe("%s-%s" % (rule, other.name), "--fusion", rule, "--also-model", "%s=0.5" % other)
                self.assertIn("weight 0.5, " + rule, said)
                if other is BUNDLE:
                    self.assertEqual([word["word"] for segment in segments for word in segment["words"]], words)
                else:
                    confidences[rule] = [word["confidence"] for segment in segments for word in segment["words"]]
                    self.assertGreater(len(confidences[rule]), 5)
        self.assertNotEqual(confidences["arithmetic"], confidences["log-linear"])

    def test_the_small_model_goes_with_the_default_one(self):
        small = BUNDLE.parent / "en-small-25fps"
        both, said = self.transcribe("both", "--also-model", small, "--heads", "phone=2,bpe")
        self.assertIn("en-small-25fps", said)
        texts = [" ".join(segment["text"] for segment in segments)
                 for segments in (both, self.transcribe("default")[0], self.transcribe("small", "--model", small)[0])]
        for other in texts[1:]:
            self.assertGreater(difflib.SequenceMatcher(None, texts[0], other).ratio(), 0.8, texts)

    def test_other_frames_units_and_values_are_refused(self):
        other = BUNDLE.parent / "en-base"
        sample = self.audio_sample()
        result = run("transcribe", "--also-model", other, sample)
        self.assert_fails_cleanly(result, other, exit_code=3)
        self.assertIn("20 ms", result.stderr)
        self.assertIn("skald combine", result.stderr)
        shutil.rmtree(self.folder / "units", ignore_errors=True)
        units = self.folder / "units"
        units.mkdir()
        for path in BUNDLE.iterdir():
            if path.name not in ("bundle.json", "tokens_phone.txt"):
                (units / path.name).symlink_to(path)
        manifest = json.loads((BUNDLE / "bundle.json").read_text())
        file = manifest["heads"]["phone"]["units_file"] if "units_file" in manifest["heads"]["phone"] else "tokens_phone.txt"
        text = (BUNDLE / file).read_text().replace("AA", "QQ", 1).encode()
        (units / file).unlink(missing_ok=True)
        (units / file).write_bytes(text)
        manifest["files"][file] = dict(manifest["files"][file], sha256=hashlib.sha256(text).hexdigest(), size=len(text))
        (units / "bundle.json").write_text(json.dumps(manifest))
        result = run("transcribe", "--also-model", units, sample)
        self.assert_fails_cleanly(result, units, exit_code=3)
        self.assertIn("units", result.stderr)
        self.assert_fails_cleanly(run("transcribe", "--also-model", self.folder / "missing", sample), "missing", exit_code=3)
        for bad in (("--also-model", "%s=x" % BUNDLE), ("--also-model", "%s=-1" % BUNDLE),
                    ("--fusion", "mean", "--also-model", BUNDLE)):
            self.assertEqual(run("transcribe", *bad, sample).returncode, 1, bad)


if __name__ == "__main__":
    unittest.main(verbosity=2)
