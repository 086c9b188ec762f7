"""Whatever inputs are called, outputs stay below --out and every input keeps its own."""
import json
import pathlib
import shutil
import unittest

from skald_process import SkaldTest, ffmpeg, run


class OutputPathsTest(SkaldTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        self.out = self.root / "work" / "out"
        (self.root / "work" / "media").mkdir(parents=True)
        self.wav = self.folder / "one.wav"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", 0.5, self.wav)

    def put(self, *path):
        target = self.root.joinpath("work", *path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.wav, target)
        return target

    def outside(self):
        return {path for path in self.root.rglob("*") if self.out not in path.parents and path != self.out}

    def transcribe(self, *inputs, expected):
        before = self.outside()
        result = run("transcribe", "--vad", "off", "--out", self.out, *inputs, errors="replace")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.outside(), before)
        outputs = [path for path in self.out.rglob("*") if path.is_file() and self.out / ".skald" not in path.parents]
        self.assertEqual(len(outputs), expected, outputs)
        for path in outputs:
            self.assertTrue(path.resolve().is_relative_to(self.out.resolve()), path)

    def test_names_that_lead_elsewhere(self):
        media = [self.put("media", name) for name in (
            "..wav", "...wav", "-.wav", "--out.wav", "a b.wav", "a\nb.wav", "a\tb.wav", "tab\x07bell.wav", "quote'\".wav", "$HOME.wav", "%s%n.wav",
            "\u202e.wav", "über.wav")]
        (self.root / "work" / "media" / "link.wav").symlink_to("../../../one.wav")
        self.transcribe(self.root / "work" / "media", expected=len(media) + 1)

    def test_names_that_are_not_utf8(self):
        target = bytes(self.root / "work" / "media") + b"/\xff\xfe.wav"
        shutil.copy(self.wav, target)
        self.transcribe(self.root / "work" / "media", expected=1)

    def test_manifests_that_lead_elsewhere(self):
        self.put("media", "a.wav")
        self.put("a.wav")
        shutil.copy(self.wav, self.root / "a.wav")
        shutil.copy(self.wav, self.root / "a\nb.wav")
        self.put("media", ".skald", "journal.wav")
        manifest = self.root / "work" / "media" / "list.jsonl"
        paths = ["a.wav", "../a.wav", "../../a.wav", str(self.root / "a.wav"), "../../a\nb.wav", "x/../../../a.wav", "./././a.wav",
                 "../media//a.wav", ".skald/journal.wav"]
        (self.root / "work" / "media" / "x").mkdir()
        manifest.write_text("".join(json.dumps({"path": path}) + "\n" for path in paths))
        self.transcribe(manifest, expected=len(paths))
        self.assertEqual(run("jobs", self.out).returncode, 0)

    def test_a_folder_that_links_out_of_itself(self):
        elsewhere = self.root / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(self.wav, elsewhere / "b.wav")
        self.put("media", "a.wav")
        (self.root / "work" / "media" / "sub").symlink_to(elsewhere)
        self.transcribe(self.root / "work" / "media", expected=1)  # links to folders are not followed

    def test_an_output_that_is_a_link_is_replaced_and_not_followed(self):
        victim = self.root / "victim.txt"
        victim.write_text("untouched")
        self.out.mkdir()
        (self.out / "a.txt").symlink_to(victim)
        self.transcribe(self.put("media", "a.wav"), expected=1)
        self.assertEqual(victim.read_text(), "untouched")
        self.assertFalse((self.out / "a.txt").is_symlink())

    def test_a_name_too_long_for_its_output_is_an_error_of_that_input(self):
        long = self.put("media", "n" * 251 + ".wav")
        self.put("media", "a.wav")
        result = run("transcribe", "--vad", "off", "--format", "json", "--out", self.out, self.root / "work" / "media")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("n" * 100, result.stderr)
        self.assertTrue((self.out / "a.json").exists())
        self.assertTrue(pathlib.Path(long).exists())
        self.assert_no_leftovers(self.out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
