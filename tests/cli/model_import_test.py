"""skald model import hf: a bundle that transcribes with a language model of its own, golden data of it, bad input."""
import json
import re
import shutil
import struct
import unittest

from skald_process import PROJECT, SkaldTest, run

CHECKPOINTS = PROJECT / "tests/models/golden/hf"
ARPA = """\\data\\
ngram 1=6

\\1-grams:
-1.5 <unk>
-99 <s>
-0.5 </s>
-0.7 %s
-0.8 %s
-0.9 %s

\\end\\
"""


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["shape"], data[8 + length + begin : 8 + length + end])
    return tensors


def write_npy(path, shape, data):
    """f32 values in C order."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (tuple(shape),)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def write_wav(path, floats):
    values = struct.unpack("<%df" % (len(floats) // 4), floats)
    samples = struct.pack("<%dh" % len(values), *(round(32768 * x) for x in values))
    fields = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2,
                         16, b"data", len(samples))
    path.write_bytes(fields + samples)


class ModelImportTest(SkaldTest):
    def imported(self, name, *options):
        bundle = self.folder / (name + "-bundle")
        result = run("model", "import", "hf", CHECKPOINTS / name, bundle, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return bundle

    def golden(self, name, bundle):
        """Recordings of the checkpoint in the bundle's golden folder, with what transformers makes of them."""
        (bundle / "golden").mkdir()
        tensors = read_safetensors(CHECKPOINTS / name / "golden.safetensors")
        for window in range(2):
            stem = bundle / "golden" / ("window%d" % window)
            write_wav(stem.with_suffix(".wav"), tensors["samples.%d" % window][1])
            write_npy(stem.with_suffix(".logprobs_ctc.npy"), *tensors["log_probs.%d" % window])
            shape, data = tensors["features.%d" % window]
            if shape[1] > 1:
                frames, bins = shape
                values = struct.unpack("<%df" % (frames * bins), data)
                columns = [values[f * bins + b] for b in range(bins) for f in range(frames)]
                write_npy(stem.with_suffix(".mel.npy"), [bins, frames], struct.pack("<%df" % len(columns), *columns))

    def test_the_golden_test_agrees_with_transformers(self):
        for name in ("wav2vec2_group", "wav2vec2_layer", "hubert", "parakeet", "parakeet_without_biases"):
            with self.subTest(name):
                bundle = self.imported(name)
                self.golden(name, bundle)
                result = run("model", "check", bundle)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn("all files and golden scores agree", result.stdout)

    def test_transcribes_with_a_language_model(self):
        for name, words, options in (("wav2vec2_layer", ("tea", "to", "sun"), ("--case", "lower")),
                                     ("parakeet", ("cab", "deed", "abde"), ())):
            with self.subTest(name):
                arpa = self.folder / "lm.arpa"
                arpa.write_text(ARPA % words)
                bundle = self.imported(name, "--lm", arpa, "--lm-scale", "0.5", *options)
                self.golden(name, bundle)
                result = run("transcribe", "--model", bundle, bundle / "golden/window0.wav", "--device", "cpu",
                             "--format", "json", "--out", self.folder / name)
                self.assertEqual(result.returncode, 0, result.stderr)
                (transcript,) = (self.folder / name).glob("*.json")
                document = json.loads(transcript.read_text())
                self.assertEqual(document["model"]["name"], name)
                said = " ".join(segment["text"] for segment in document["segments"]).split()
                self.assertLessEqual({word.lower() for word in said}, set(words))

    def test_transcribes_without_a_language_model(self):
        """The text is what the checkpoint's own tokenizer makes of the best units."""
        golden = json.loads((PROJECT / "tests/decoder/greedy/tokenizer_golden.json").read_text())["checkpoints"]
        self.assertEqual(sorted(golden), sorted(path.name for path in CHECKPOINTS.iterdir()))
        for name, texts in golden.items():
            bundle = self.imported(name)
            tensors = read_safetensors(CHECKPOINTS / name / "golden.safetensors")
            for window, text in enumerate(texts):
                with self.subTest(name, window=window):
                    recording = self.folder / ("%s.%d.wav" % (name, window))
                    write_wav(recording, tensors["samples.%d" % window][1])
                    result = run("transcribe", "--model", bundle, "--device", "cpu", "--precision", "f32", recording)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(result.stdout.split(), text.split())
                    self.assertIn("the model has no language model", result.stderr)

    def test_every_format_without_a_language_model(self):
        bundle = self.imported("parakeet")
        tensors = read_safetensors(CHECKPOINTS / "parakeet/golden.safetensors")
        recording = self.folder / "window.wav"
        write_wav(recording, tensors["samples.0"][1])
        options = ("transcribe", "--model", bundle, "--device", "cpu", "--precision", "f32")
        result = run(*options, "--format", "txt,json,srt,vtt,ttml,ctm", "--out", self.folder / "out", recording)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads((self.folder / "out/window.json").read_text())
        self.assertEqual((document["options"]["decode"], document["graph"]["sha256"]), ("greedy", ""))
        self.assertNotIn("beam", document["options"])
        (segment,) = document["segments"]
        self.assertEqual(segment["text"], "gabdebabde b")
        first, second = segment["words"]
        self.assertTrue(0 <= first["start"] < first["end"] <= second["start"] < second["end"] <= 0.72, segment)
        self.assertTrue(all(0 < word["confidence"] < 1 for word in segment["words"]), segment)
        for ending in ("txt", "srt", "vtt", "ttml", "ctm"):
            self.assertIn("gabdebabde", (self.folder / "out" / ("window." + ending)).read_text(), ending)
        live = run(*options, "--live", recording)
        self.assertEqual(live.returncode, 0, live.stderr)
        self.assertNotEqual(live.stdout.strip(), "")
        for bad, code, said in ((("--format", "lattice"), 3, "makes no lattices (the model has no language model)"),
                                (("--decode", "mbr"), 3, "no language model to build a graph from"),
                                (("--decode", "greedy", "--boost", "word"), 1, "has no hypotheses to boost"),
                                (("--decode", "best"), 1, "not 'best'")):
            result = run(*options, *bad, recording)
            self.assertEqual(result.returncode, code, bad)
            self.assertIn(said, result.stderr)
        result = run("index", "add", self.folder / "index", "--model", bundle, recording)
        self.assertEqual(result.returncode, 3)
        self.assertIn("no language model", result.stderr)

    def test_info_and_bad_usage(self):
        bundle = self.imported("parakeet", "--name", "small", "--licence", "CC-BY-4.0", "--language", "en")
        result = run("model", "info", bundle)
        for expected in ("small", "CC-BY-4.0", "fastconformer-ctc, 2 layers of width 32", "0.08 s"):
            self.assertIn(expected, result.stdout)
        for unknown in ("trained on", "intended use", "limits", "word errors"):
            self.assertRegex(result.stdout, "(?m)^%-16s unknown$" % unknown)
        self.assertEqual(result.stderr, "")
        known = run("model", "info", PROJECT / "models/en-base-25fps").stdout
        self.assertRegex(known, r"(?m)^trained on +Started from models/en-base\. ")
        card = json.loads((PROJECT / "models/en-base-25fps/bundle.json").read_text())["card"]
        for measured in card["word_error_rates"]:
            self.assertRegex(known, rf"(?m)^word errors +{measured['wer_percent']:g} % " + re.escape(f"{measured['set']}: {measured['decoding']}") + "$")
        self.assertNotIn("unknown", known.split("#")[0])
        again = run("model", "import", "hf", CHECKPOINTS / "parakeet", bundle)
        self.assertEqual(again.returncode, 3)
        self.assertIn("exists already", again.stderr)
        for line, code in ((("import",), 1), (("import", "onnx", "a", "b"), 1),
                           (("import", "hf", "a", "b", "--case", "mixed"), 1),
                           (("import", "hf", self.folder / "none", self.folder / "b"), 3)):
            self.assertEqual(run("model", *line).returncode, code, line)

    def test_the_model_card_comes_along(self):
        source = self.folder / "with-card"
        shutil.copytree(CHECKPOINTS / "hubert", source)
        (source / "README.md").write_text("---\nlicense: apache-2.0\nlanguage:\n- de\n---\n# Trained on nothing\n")
        bundle = self.folder / "bundle"
        self.assertEqual(run("model", "import", "hf", source, bundle).returncode, 0)
        info = run("model", "info", bundle).stdout
        for expected in ("apache-2.0", "language         de", "# Trained on nothing"):
            self.assertIn(expected, info)

    def test_names_file_and_tensor_of_bad_checkpoints(self):
        source = self.folder / "bad"
        shutil.copytree(CHECKPOINTS / "wav2vec2_group", source)
        config = json.loads((source / "config.json").read_text())
        (source / "config.json").write_text(json.dumps({**config, "hidden_act": "relu"}))
        result = run("model", "import", "hf", source, self.folder / "out")
        self.assertEqual(result.returncode, 3)
        self.assertIn('bad/config.json: "hidden_act" is "relu"; Skald runs "gelu"', result.stderr)
        self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    unittest.main()
