"""Keyword index and search on the command line: add, search in every format, remove, merge, score, bad input."""
import json
import os
import shutil
import unittest
import xml.etree.ElementTree

from skald_process import SkaldTest, run


class SearchTest(SkaldTest):
    def setUp(self):
        super().setUp()
        self.index = self.folder / "index"
        self.media = self.folder / "speech.mp4"
        shutil.copy(self.sample(".mp4"), self.media)
        result = run("index", "add", self.index, self.media)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 files added", result.stdout)

    def search(self, *arguments):
        result = run("search", self.index, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_json(self):
        found = json.loads(self.search("--format", "json", "ask not", "country", "xyzzy").stdout)
        self.assertEqual([entry["query"] for entry in found], ["ask not", "country", "xyzzy"])
        self.assertEqual(found[0]["kind"], "phrase")
        self.assertEqual(found[1]["kind"], "word")
        best = found[1]["hits"][0]
        self.assertEqual(best["file"], str(self.media))
        self.assertEqual(list(best), ["file", "track", "channel", "start", "end", "play", "score", "decision", "context"])
        self.assertGreater(best["score"], 0.5)
        self.assertIn("COUNTRY", best["context"])
        self.assertLessEqual(best["play"], best["start"])
        scores = [hit["score"] for hit in found[1]["hits"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        everything = json.loads(self.search("--format", "json", "--threshold", "0", "--context", "0", "country").stdout)
        self.assertGreaterEqual(len(everything[0]["hits"]), len(found[1]["hits"]))
        self.assertEqual(everything[0]["hits"][0]["context"], "COUNTRY")

    def test_table_and_threads(self):
        result = self.search("count* OR fellow", "--threads", "1")
        self.assertIn(str(self.media), result.stdout)
        self.assertEqual(result.stdout, self.search("count* OR fellow", "--threads", "3").stdout)
        nothing = self.search("xyzzy", "--oov", "off")
        self.assertEqual(nothing.stdout, "")
        self.assertIn("xyzzy: nothing found", nothing.stderr)

    def test_kwslist_is_scored(self):
        keywords = self.folder / "keywords.tsv"
        keywords.write_text("K1\tcountry\nK2\task not\nK3\txyzzy\n")
        detected = self.folder / "found.xml"
        detected.write_text(self.search("--keywords", keywords, "--format", "kwslist").stdout)
        root = xml.etree.ElementTree.parse(detected).getroot()
        self.assertEqual([entry.get("kwid") for entry in root], ["K1", "K2", "K3"])
        reference = self.folder / "text"
        reference.write_text("speech AND SO MY FELLOW AMERICANS ASK NOT WHAT YOUR COUNTRY CAN DO FOR YOU "
                             "ASK WHAT YOU CAN DO FOR YOUR COUNTRY\n")
        table = self.folder / "table.tsv"
        result = run("score", "twv", "--keywords", keywords, "--reference", reference, "--hypothesis", detected,
                     "--duration", "11", "--by-keyword", table, "--det", self.folder / "det.tsv")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("2 keywords said 3 times", result.stdout)
        self.assertEqual(len(table.read_text().splitlines()), 3)

    def test_remove_merge_info(self):
        self.assertIn("1 (0.00 h of audio)", run("index", "info", self.index).stdout)
        self.assertEqual(run("index", "info", self.index, "--verify").returncode, 0)
        again = run("index", "add", self.index, self.media)
        self.assertIn("0 files added (0.0 h of audio), 1 unchanged", again.stdout)
        self.media.unlink()
        self.assertIn("missing", run("index", "info", self.index, "--files").stdout)
        self.assertNotEqual(self.search("country").stdout, "")
        self.assertIn("1 files removed", run("index", "remove", self.index, "--missing").stdout)
        self.assertEqual(self.search("country").stdout, "")
        self.assertIn("1 segments merged", run("index", "merge", self.index).stdout)
        unknown = run("index", "remove", self.index, "nothing.wav")
        self.assertEqual(unknown.returncode, 2)

    def test_bad_input(self):
        self.assert_fails_cleanly(run("search", self.index, "("), "query, character 2", exit_code=1)
        self.assert_fails_cleanly(run("search", self.folder / "none", "word"), self.folder / "none", exit_code=3)
        segment = next(path for path in self.index.iterdir() if path.suffix == ".kws")
        good = segment.read_bytes()
        segment.write_bytes(good[:-1])
        self.assert_fails_cleanly(run("search", self.index, "word"), segment, exit_code=3)
        self.assert_fails_cleanly(run("index", "info", self.index), segment, exit_code=3)
        segment.write_bytes(good)
        for arguments in (["search"], ["search", self.index], ["search", self.index, "a", "--format", "doc"],
                          ["search", self.index, "a", "--threshold", "2"], ["search", self.index, "a", "--oov", "maybe"],
                          ["index"], ["index", "add", self.index], ["index", "melt", self.index],
                          ["index", "add", self.index, "a.wav", "--posterior-floor", "2"], ["score", "twv"]):
            result = run(*arguments)
            self.assertEqual(result.returncode, 1, (arguments, result.stderr))
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        bad = self.folder / "bad.wav"
        bad.write_text("no audio")
        result = run("index", "add", self.index, bad)
        self.assertEqual(result.returncode, 2)
        self.assertIn(str(bad), result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
