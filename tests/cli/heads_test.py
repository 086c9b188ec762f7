"""`skald transcribe --heads`: several heads of one model searched side by side, their lattices combined."""
import json
import unittest

from skald_process import BUNDLE, SkaldTest, run


class HeadsTest(SkaldTest):
    def transcribe(self, name, *arguments, formats="json"):
        out = self.folder / name
        result = run("transcribe", "--device", "cpu", "--out", out, "--format", formats, "--progress", "none", *arguments,
                     self.audio_sample())
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(next(out.glob("*.json")).read_text())

    @staticmethod
    def text(transcript):
        return " ".join(segment["text"] for segment in transcript["segments"])

    def test_says_what_combine_makes_of_the_heads(self):
        tables = []
        for head in ("phone", "bpe"):
            table = self.folder / (head + ".skg")
            self.assertEqual(run("graph", "build", "--head", head, "--out", table, "--progress", "none").returncode, 0)
            tables += ["--words", table]
            self.transcribe(head, "--head", head, "--lattice-type", "binary", formats="json,lattice")
        combined = run("combine", *tables, "--keep-times", "--weights", "2,1", self.folder / "phone", self.folder / "bpe")
        self.assertEqual(combined.returncode, 0, combined.stderr)
        both = self.transcribe("both", "--heads", "phone=2,bpe", "--nbest", "3", "--alternatives", "3")
        self.assertEqual(self.text(both), " ".join(combined.stdout.split()))
        self.assertEqual(both["options"]["head"], "phone=2,bpe=1")
        for segment in both["segments"]:
            costs = [string["cost"] for string in segment["nbest"]]
            self.assertEqual(costs, sorted(costs))
            self.assertGreaterEqual(costs[0], 0)
            self.assertEqual([word["word"] for word in segment["words"]], segment["text"].split())
        self.assertTrue(any("alternatives" in word for segment in both["segments"] for word in segment["words"]))
        # Fused with itself, boosted for nothing, rescored: heads go with all of these.
        self.assertEqual(self.text(self.transcribe("fused", "--heads", "phone=2,bpe", "--also-model", BUNDLE)), self.text(both))
        boosted = self.transcribe("boosted", "--heads", "phone,bpe", "--boost", "antidisestablishmentarianism", "--rescore", "large")
        self.assertGreater(len(self.text(boosted).split()), 30)

    def test_one_head_is_that_head(self):
        one, other = self.transcribe("one", "--heads", "bpe"), self.transcribe("other", "--head", "bpe")
        self.assertEqual(one["segments"], other["segments"])

    def test_the_bundle_chooses_the_blank_penalty(self):
        """One that is far too large, so that the text tells whether it had effect."""
        bundle = self.folder / "bundle"
        bundle.mkdir()
        manifest = json.loads((BUNDLE / "bundle.json").read_text())
        for name in manifest["files"]:
            (bundle / name).symlink_to(BUNDLE / name)
        manifest["heads"]["phone"]["blank_penalty"] = 12
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        chosen = self.transcribe("chosen", "--model", bundle)
        self.assertEqual(chosen["options"]["blank_penalty"], "12")
        given = self.transcribe("given", "--blank-penalty", "12")
        self.assertEqual(chosen["segments"], given["segments"])
        overruled = self.transcribe("overruled", "--model", bundle, "--blank-penalty", "0")
        self.assertEqual(overruled["options"]["blank_penalty"], "0")
        self.assertNotEqual(self.text(overruled), self.text(chosen))
        greedy = self.transcribe("greedy", "--model", bundle, "--decode", "greedy")
        self.assertEqual(greedy["options"]["blank_penalty"], "0")

    def test_bad_input(self):
        sample = self.audio_sample()
        for arguments, said in ((("--heads", "phone,smell"), "smell"), (("--heads", "phone=x,bpe"), "phone=x"),
                                (("--heads", "phone,phone"), "twice"), (("--heads", ","), "--heads"),
                                (("--heads", "phone=0,bpe=0"), "weight 0"), (("--heads", "phone,bpe", "--head", "phone"), "not both"),
                                (("--heads", "phone,bpe", "--format", "lattice"), "lattices"),
                                (("--heads", "phone,bpe", "--search", "cuda"), "CPU"),
                                (("--heads", "phone,bpe", "--graph", "x.skg"), "graph"), (("--heads", "phone,bpe", "--live"), "--live")):
            result = run("transcribe", *arguments, sample)
            self.assertEqual(result.returncode, 3 if said == "smell" else 1, (arguments, result.stderr))
            self.assertIn(said, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
