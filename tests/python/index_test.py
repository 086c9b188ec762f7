"""Keyword indexes: filled, joined and searched as the program does."""
import json
import threading
import unittest

import skald
from module_support import SkaldTest, media, recognizer, run


def as_json(result):
    """What `skald search --format json` has of a result."""
    return {
        "query": result.query,
        "kind": result.kind,
        "threshold": round(result.threshold, 6),
        "hits": [{"file": hit.file, "track": hit.track, "channel": hit.channel, "start": round(hit.start_s, 3),
                  "end": round(hit.end_s, 3), "play": round(hit.play_s, 3), "score": round(hit.score, 6), "decision": hit.decision,
                  "context": hit.context} for hit in result.hits],
    }


class IndexTest(SkaldTest):
    def search(self, folder, query, **options):
        """The same search by module and program, which must agree."""
        result = skald.KeywordIndex(folder).search(query, **options)
        printed = json.loads(run("search", folder, "--format", "json", query).stdout)[0]
        printed.pop("tried", None)
        found = as_json(result)
        for entry in (found, printed):
            for hit in entry["hits"]:
                for name in ("start", "end", "play", "score"):
                    hit[name] = round(hit[name], 2)
            entry["threshold"] = round(entry["threshold"], 4)
        self.assertEqual(found, printed)
        return result

    def longest_word(self, path):
        return max(recognizer().transcribe_file(path).text.split(), key=len)

    def test_what_is_put_in_is_found(self):
        results = recognizer().transcribe([*media(), "absent.wav"], index=self.folder / "index")
        self.assertIsInstance(results[-1].error, skald.errors.NotFoundError)
        index = skald.KeywordIndex(self.folder / "index")
        self.assertEqual(sorted(index.files), sorted(map(str, media())))
        for path in media():
            word = self.longest_word(path)
            self.assertIn(str(path), [hit.file for hit in self.search(self.folder / "index", word).hits])
        with self.assertRaises(skald.errors.InvalidArgumentError):
            index.search("(unbalanced")

    def test_indexes_are_joined(self):
        parts = []
        for number, path in enumerate(media()):
            parts.append(self.folder / ("part%d" % number))
            recognizer().transcribe([path], index=parts[-1])
        recognizer().transcribe(media(), index=self.folder / "whole")
        for _ in range(2):  # again changes nothing
            for part in parts:
                self.assertEqual(skald.KeywordIndex.absorb(self.folder / "joined", part), 1)
        skald.KeywordIndex.merge(self.folder / "joined")
        index = skald.KeywordIndex(self.folder / "joined")
        self.assertEqual(sorted(index.files), sorted(map(str, media())))
        for path in media():
            word = self.longest_word(path)
            self.assertEqual(as_json(self.search(self.folder / "joined", word)), as_json(self.search(self.folder / "whole", word)))
        with self.assertRaises(skald.errors.InvalidArgumentError):
            skald.KeywordIndex.absorb(self.folder / "joined", self.folder / "joined")
        self.assertEqual(skald.KeywordIndex.remove(self.folder / "joined", [media()[0]]), 1)
        index.refresh()
        self.assertNotIn(str(media()[0]), index.files)
        # What was unchanged is known to be so: nothing is transcribed again.
        added = run("index", "add", "--device", "cpu", self.folder / "joined", *media()[1:])
        self.assertIn("0 files added", added.stdout)

    def test_the_program_absorbs_too(self):
        recognizer().transcribe(media()[:1], index=self.folder / "part")
        self.assertIn("1 files absorbed", run("index", "absorb", self.folder / "all", self.folder / "part").stdout)
        self.assertEqual(run("index", "absorb", self.folder / "all", self.folder / "absent").returncode, 3)

    def test_searches_at_the_same_time(self):
        recognizer().transcribe(media(), index=self.folder / "index")
        index = skald.KeywordIndex(self.folder / "index")
        word = self.longest_word(media()[0])
        expected, wrong = as_json(index.search(word)), []

        def work():
            for _ in range(20):
                if as_json(index.search(word)) != expected:
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            index.refresh()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_an_absent_index(self):
        with self.assertRaises(skald.errors.NotFoundError):
            skald.KeywordIndex(self.folder / "absent")


if __name__ == "__main__":
    unittest.main()
