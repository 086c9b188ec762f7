"""N-best lists, words of least expected error and lattices of `skald transcribe`."""
import json
import unittest

from skald_process import SkaldTest, run


class LatticeTest(SkaldTest):
    def transcribe(self, *arguments):
        result = run("transcribe", "--out", self.folder, *arguments, self.audio_sample())
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_nbest_lists_start_with_the_best_path_and_rise_in_cost(self):
        self.transcribe("--format", "json", "--decode", "viterbi", "--nbest", 5)
        transcript = json.loads(next(self.folder.glob("*.json")).read_text())
        for segment in transcript["segments"]:
            self.assertGreater(len(segment["nbest"]), 0)
            self.assertLessEqual(len(segment["nbest"]), 5)
            self.assertEqual(segment["nbest"][0]["text"], segment["text"])
            texts = [alternative["text"] for alternative in segment["nbest"]]
            self.assertEqual(len(set(texts)), len(texts))
            costs = [alternative["cost"] for alternative in segment["nbest"]]
            self.assertEqual(costs, sorted(costs))

    def test_both_rules_give_ordered_words_and_say_so(self):
        for rule in ("viterbi", "mbr"):
            self.transcribe("--format", "json", "--decode", rule)
            transcript = json.loads(next(self.folder.glob("*.json")).read_text())
            self.assertIn(rule, transcript["options"]["decode"])
            words = [word for segment in transcript["segments"] for word in segment["words"]]
            self.assertGreater(len(words), 5)
            starts = [word["start"] for word in words]
            self.assertEqual(starts, sorted(starts))

    def test_every_type_of_lattice_has_an_entry_for_each_segment(self):
        self.transcribe("--format", "json,lattice")
        transcript = json.loads(next(self.folder.glob("*.json")).read_text())
        text = next(self.folder.glob("*.lattice.txt")).read_text()
        keys = [entry.split("\n")[0] for entry in text.split("\n\n") if entry]
        self.assertEqual(len(keys), len(transcript["segments"]))
        stem = self.audio_sample().stem
        for key, segment in zip(keys, transcript["segments"]):
            name, channel, start, end = key.rsplit("-", 3)
            self.assertEqual((name, channel), (stem, "1"))
            self.assertLessEqual(int(start), 100 * segment["start"] + 1)
            self.assertGreaterEqual(int(end), 100 * segment["end"] - 1)
        for kind, extension in (("binary", "lattice.ark"), ("openfst", "fst.txt"), ("slf", "slf")):
            self.transcribe("--format", "lattice", "--lattice-type", kind)
            written = next(self.folder.glob("*." + extension)).read_bytes()
            for key in keys:
                self.assertEqual(written.count(key.encode()), 1, kind)

    def test_bad_values_are_refused(self):
        for bad in (("--nbest", -1), ("--decode", "best"), ("--mbr-scale", 0), ("--lattice-type", "ark")):
            result = run("transcribe", *bad, self.audio_sample())
            self.assertEqual(result.returncode, 1, bad)
            self.assertIn("skald: ", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
