"""recipes/combine and recipes/keyword_search from end to end, on three short recordings."""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from skald_process import BUNDLE, PROJECT, SkaldTest  # noqa: E402

KEYWORDS = [("K1", "country", "word"), ("K2", "what your country", "phrase"), ("K3", "for your country", "phrase"),
            ("K4", "zyzzyva", "absent"), ("K5", "americanos", "oov_word")]


class RecipesTest(SkaldTest):
    def setUp(self):
        super().setUp()
        self.corpus = self.folder / "corpus"
        (self.corpus / "audio").mkdir(parents=True)
        text, speakers, durations = [], [], []
        for speaker, name in (("tune", "long15"), ("tune", "short"), ("test", "jfk")):
            recording = BUNDLE / "golden" / (name + ".wav")
            utterance = f"{speaker}-{name}"
            (self.corpus / "audio" / (utterance + ".wav")).symlink_to(recording)
            words = (BUNDLE / "golden" / (name + ".ref.txt")).read_text().split()[1:]
            text.append(f"{utterance} {' '.join(words).upper()}\n")
            speakers.append(f"{utterance} {speaker}\n")
            durations.append(f"{utterance} {recording.stat().st_size / 32000:.2f}\n")
        (self.corpus / "text").write_text("".join(sorted(text)))
        (self.corpus / "utt2spk").write_text("".join(sorted(speakers)))
        (self.corpus / "utt2dur").write_text("".join(sorted(durations)))
        self.out = self.folder / "out"

    def recipe(self, name, *arguments, **environment):
        result = subprocess.run([PROJECT / "recipes" / name / "run", *map(str, arguments)], capture_output=True, text=True,
                                env={**os.environ, "OUT": str(self.out), **environment}, timeout=1500)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_combine(self):
        systems = [f"{head}={BUNDLE}:{head}" for head in ("phone", "bpe")]
        said = self.recipe("combine", self.corpus, "tune", *systems)
        rates = {(part, what): float(rate) for part, what, rate in re.findall(r"^(tune|test): (.*): WER ([\d.]+) %$", said, re.MULTILINE)}
        self.assertEqual(len(rates), 2 * (2 + 3), said)
        options = (self.out / "options").read_text().splitlines()
        self.assertEqual([line.split()[1] for line in options], ["mbr", "rover", "cnc"])
        best = min(rates["tune", f"{head} alone"] for head in ("phone", "bpe"))
        for line in options:
            # The search for weights begins with each system alone.
            self.assertLessEqual(rates["tune", line], best)
            self.assertLess(rates["test", line], 60)
        self.assertEqual(len(re.findall(r"^(tune|test): .*oracle", said, re.MULTILINE | re.IGNORECASE)), 2, said)
        # Options of a former run, without tuning speakers; what was transcribed is not done again.
        kept = self.folder / "options"
        kept.write_text(options[0] + "\n")
        (self.out / "options").unlink()
        again = self.recipe("combine", self.corpus, "tune", *systems, OPTIONS_FROM=str(kept))
        self.assertIn(f"test: {options[0]}: WER {rates['test', options[0]]:.2f} %", again)

    def test_keyword_search(self):
        keywords = self.folder / "keywords.json"
        keywords.write_text(json.dumps({"keywords": [{"id": i, "text": text, "type": kind} for i, text, kind in KEYWORDS]}))
        said = self.recipe("keyword_search", self.corpus, keywords, TUNING="^tune-", COPIES="3")
        values = {(kind, system): float(value) for kind, system, value in
                  re.findall(r"^(\w+) +([\w-]+) +.*?MTWV (-?[\d.]+)", said, re.MULTILINE)}
        for kind in ("word", "phrase"):
            for system in ("one-best", "lattice", "lattice-oov"):
                self.assertEqual(values[kind, system], 1.0, said)
        self.assertEqual(said.count("median"), 4, said)  # words and phrases, once and in three copies
        self.assertIn("9 (0.02 h of audio)", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
