"""`skald combine`: lattices, transcripts and CTM files of several systems into one transcript."""
import json
import unittest

from skald_process import SkaldTest, run

A = "talk 1 0.00 0.30 the 0.9\ntalk 1 0.30 0.30 cat 0.4\ntalk 1 0.60 0.30 sat 0.9\n"
B = "talk 1 0.00 0.30 THE 0.9\ntalk 1 0.30 0.30 HAT 0.8\ntalk 1 0.60 0.30 SAT 0.9\n"
C = "talk A 0.00 0.30 the 0.9\ntalk A 0.30 0.30 hat 0.7\ntalk A 0.60 0.30 sad 0.9\n"


class CombineTest(SkaldTest):
    def ctms(self):
        paths = []
        for name, text in (("a", A), ("b", B), ("c", C)):
            paths.append(self.folder / (name + ".ctm"))
            paths[-1].write_text(text)
        return paths

    def combine(self, *arguments):
        result = run("combine", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_majority_of_ctm_files(self):
        for method in ("mbr", "rover", "cnc"):
            self.assertEqual(self.combine("--method", method, *self.ctms()), "the HAT sat\n", method)
        self.assertEqual(self.combine("--method", "rover", "--weights", "3,1,1", *self.ctms()), "the cat sat\n")
        self.assertEqual(self.combine("--method", "rover", "--weights", "0,1,0", *self.ctms()), "the HAT sat\n")

    def test_formats_and_names(self):
        out = self.folder / "out"
        self.combine("--method", "rover", "--out", out, "--format", "json,ctm,txt,srt", *self.ctms())
        self.assertEqual(sorted(path.name for path in out.iterdir()),
                         ["talk.ctm", "talk.json", "talk.srt", "talk.txt"])
        transcript = json.loads((out / "talk.json").read_text())
        self.assertEqual(transcript["options"]["method"], "rover")
        self.assertEqual(transcript["segments"][0]["text"], "the HAT sat")
        lines = (out / "talk.ctm").read_text().splitlines()
        self.assertEqual(lines[1], "talk 1 0.300 0.300 HAT 0.750")

    def test_lattices_and_transcripts_of_transcribe(self):
        words = self.folder / "words.txt"
        graph = self.folder / "graph.skg"
        self.assertEqual(run("graph", "build", "--out", graph, "--progress", "none").returncode, 0)
        words.write_text(run("graph", "words", graph).stdout)
        sample = self.audio_sample()
        for kind in ("text", "binary"):
            out = self.folder / kind
            result = run("transcribe", "--out", out, "--format", "json,lattice", "--lattice-type", kind, "--decode", "mbr",
                         "--mbr-scale", "0.5", "--progress", "none", sample)
            self.assertEqual(result.returncode, 0, result.stderr)
        alone = json.loads(next((self.folder / "text").glob("*.json")).read_text())
        alone = " ".join(segment["text"] for segment in alone["segments"])
        # A union of equal lattices has the words of least expected errors of one.
        for table in (words, graph):
            text = self.combine("--words", table, self.folder / "text", self.folder / "binary")
            self.assertEqual(" ".join(text.split()), alone)
        self.assertEqual(" ".join(self.combine("--words", words, self.folder / "text").split()), alone)
        # Transcripts need no words and have the same text.
        text = self.combine("--method", "rover", self.folder / "text", self.folder / "binary")
        self.assertEqual(" ".join(text.split()), alone)
        result = run("combine", self.folder / "text")
        self.assert_fails_cleanly(result, "--words", exit_code=3)

    def test_times_are_moved(self):
        late = self.folder / "late.ctm"
        late.write_text("talk 1 0.20 0.30 the\ntalk 1 0.50 0.30 hat\ntalk 1 0.80 0.30 sat\n")
        first = self.ctms()[0]
        result = run("combine", "--method", "rover", "--format", "ctm", "--weights", "1,2", first, late)
        self.assertIn("moved by -0.200 s", result.stderr)
        self.assertEqual(result.stdout.splitlines()[1].split()[:5], ["talk", "1", "0.300", "0.300", "hat"])
        result = run("combine", "--method", "rover", "--format", "ctm", "--weights", "1,2", "--keep-times", first, late)
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.stdout.splitlines()[1].split()[:5], ["talk", "1", "0.500", "0.300", "hat"])

    def test_bad_inputs(self):
        a, b, _ = self.ctms()
        for bad in (("--method", "vote"), ("--weights", "1"), ("--weights", "1,x"), ("--weights", "0,0"), ("--scales", "0,1"),
                    ("--alpha", "2"), ("--vote", "most"), ("--format", "lattice"), ("--format", "txt,json"),
                    ("--words", a, "--words", a, "--words", a)):
            result = run("combine", *bad, a, b)
            self.assertEqual(result.returncode, 1, bad)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertEqual(run("combine").returncode, 1)
        broken = self.folder / "broken.ctm"
        broken.write_text("talk 1 zero 0.3 the\n")
        self.assert_fails_cleanly(run("combine", a, broken), broken, exit_code=3)
        self.assert_fails_cleanly(run("combine", a, self.folder / "missing.json"), "missing.json", exit_code=3)
        empty = self.folder / "empty"
        empty.mkdir()
        self.assert_fails_cleanly(run("combine", a, empty), empty, exit_code=3)
        table = self.folder / "words.txt"
        table.write_text("<eps> 0\nthe 1\n")
        lattice = self.folder / "x.lattice.txt"
        for key, word, what in (("x-1-0-10", 9, "no word 9"), ("x", 1, "FILE-CHANNEL-START-END"), ("x-y-0-10", 1, "'x-y-0-10'")):
            lattice.write_text("%s\n0 1 %d 1,2,1_1\n1 0,0,\n\n" % (key, word))
            self.assert_fails_cleanly(run("combine", "--words", table, lattice), what, exit_code=3)
        table.write_text("the one\n")
        self.assert_fails_cleanly(run("combine", "--words", table, lattice), table, exit_code=3)
        lattice.write_text("x-1-0-10\n0 1 1 1,2,1_1\n")
        table.write_text("<eps> 0\nthe 1\n")
        self.assert_fails_cleanly(run("combine", "--words", table, lattice), lattice, exit_code=3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
