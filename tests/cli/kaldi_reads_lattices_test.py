"""Kaldi's own code reads the lattices of `skald transcribe`, text and binary, alike. Skipped where Kaldi's libraries are
missing: pip install kaldi-active-grammar==3.2.0."""
import pathlib
import subprocess
import sys
import unittest

from skald_process import PROJECT, SkaldTest, run

sys.path.insert(0, str(PROJECT / "tests/decoder/lattice/golden"))
import kaldi_lattice_copy


def parsed(archive):
    """Lines as tuples, numbers as numbers."""
    def field(text):
        costs = text.split(",")
        return (float(costs[0]), float(costs[1]), costs[2]) if len(costs) == 3 else text
    lines = [[field(text) for text in line.split()] for line in archive.splitlines()]
    # Kaldi leaves out the weight that costs nothing.
    return [line[:-1] if line and line[-1] == (0.0, 0.0, "") else line for line in lines]


class KaldiReadsLatticesTest(SkaldTest):
    def test_text_and_binary(self):
        copy = kaldi_lattice_copy.build(self.folder)
        for kind in ("text", "binary"):
            result = run("transcribe", "--format", "lattice", "--lattice-type", kind, "--out", self.folder, self.audio_sample())
            self.assertEqual(result.returncode, 0, result.stderr)
        written = {extension: next(self.folder.glob("*.lattice." + extension)) for extension in ("txt", "ark")}
        copies = {}
        for extension, path in written.items():
            copies[extension] = path.with_suffix(".copy")
            done = subprocess.run([copy, "text", path, copies[extension]], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(copies["txt"].read_text(), copies["ark"].read_text())
        ours, kaldis = parsed(written["txt"].read_text()), parsed(copies["ark"].read_text())
        self.assertEqual(len(ours), len(kaldis))
        for our_line, kaldi_line in zip(ours, kaldis):
            self.assertEqual(our_line[:-1], kaldi_line[:-1])
            if not our_line or isinstance(our_line[-1], str):
                self.assertEqual(our_line, kaldi_line)
                continue
            for ours_cost, kaldis_cost in zip(our_line[-1][:2], kaldi_line[-1][:2]):
                self.assertAlmostEqual(ours_cost, kaldis_cost, delta=1e-5 * max(1, abs(ours_cost)))  # 6 digits
            self.assertEqual(our_line[-1][2], kaldi_line[-1][2])


if __name__ == "__main__":
    if kaldi_lattice_copy.find_libraries() is None:
        print("skipped: no kaldi_active_grammar (pip install kaldi-active-grammar==3.2.0)")
        sys.exit(77)
    unittest.main(verbosity=2)
