"""`skald report` on the command line: what the page holds, its policy, escaping, media, hits, alternatives, bad input."""
import base64
import hashlib
import json
import re
import unittest

from report_samples import NASTY, ReportSamples, transcript, word
from skald_process import run


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page, re.DOTALL)[1])


class ReportTest(ReportSamples):
    def page(self, *arguments):
        self.report(*arguments)
        return self.out.read_text()

    def test_data_are_those_of_the_transcripts(self):
        data = data_of(self.page("--hits", self.hits, self.talk, self.nasty))
        talk, nasty = data["recordings"]
        self.assertEqual(talk["name"], self.media.name)
        self.assertEqual(talk["segments"][0]["words"][1], ["COUNTRY", 1.5, 1.8, 0.62, [["COUNTY", 0.25], ["", 0.125]]])
        self.assertEqual(talk["segments"][1]["words"][0], ["ALONE", 6.0, 6.3, 0.95])
        self.assertEqual([talk["media"], nasty["media"]], [{"url": "./media/talk%20%26%20more%20%231.wav"}, None])
        self.assertEqual(nasty["segments"][0]["words"][0][0], NASTY)
        country = data["searches"][0]
        self.assertEqual([hit["start"] for hit in country["hits"]], [1.5, 7.0])
        self.assertEqual((country["hits"][0]["recording"], country["elsewhere"]), (0, 1))

    def test_only_its_own_script_and_style_are_allowed(self):
        page = self.page("--title", NASTY, "--hits", self.hits, self.nasty)
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
        self.assertIn("default-src 'none';", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("http", policy)
        for kind, element in (("script", r"<script>(.*?)</script>"), ("style", r"<style>(.*?)</style>")):
            found = re.findall(element, page, re.DOTALL)
            self.assertEqual(len(found), 1, kind)
            digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
            self.assertIn(f"{kind}-src 'sha256-{digest}';", policy)
        # Names and words nowhere appear as HTML: elements are those of the template.
        self.assertEqual(page.count("<script"), 2)
        self.assertNotIn("<img", page)
        self.assertIn("<title>&lt;/script&gt;&lt;script&gt;window.broken", page)
        self.assertNotRegex(page, r"(src|href)=[\"']?(https?:)?//")

    def test_embedded_media_are_the_file(self):
        page = self.page("--media", "embed", self.talk)
        text = re.search(r'<script type="application/octet-stream" id="media-0">(.*?)</script>', page)[1]
        self.assertEqual(base64.b64decode(text, validate=True), self.media.read_bytes())
        self.assertIn("media-src blob:;", page)

    def test_media_are_found_by_name(self):
        moved = self.folder / "moved"
        self.media.parent.rename(moved)
        result = self.report(self.talk)
        self.assertIn("no player", result.stderr)
        self.assertIsNone(data_of(self.out.read_text())["recordings"][0]["media"])
        media = data_of(self.page("--media-folder", moved, self.talk))["recordings"][0]["media"]
        self.assertEqual(media["url"], "./moved/talk%20%26%20more%20%231.wav")
        self.assertIsNone(data_of(self.page("--media-folder", moved, "--media", "none", self.talk))["recordings"][0]["media"])

    def test_alternatives_come_from_nbest_lists_where_words_have_none(self):
        nbest = [{"text": "A B C", "cost": 10.0}, {"text": "A D C", "cost": 12.0}, {"text": "A C", "cost": 14.0}]
        listed = self.write("listed", transcript("x.wav", [(0, [word("A", 0.0), word("B", 1.0), word("C", 2.0)], nbest)]))
        words = data_of(self.page(listed))["recordings"][0]["segments"][0]["words"]
        self.assertEqual([len(each) for each in words], [4, 5, 4])
        # Weights 1, exp(-1), exp(-2) at scale 0.5.
        self.assertEqual(words[1][4], [["D", 0.245], ["", 0.09]])

    def test_of_transcribe_and_search(self):
        """The whole way from media to a report."""
        media, out, index = self.sample(".mp4"), self.folder / "out", self.folder / "index"
        self.assertEqual(run("transcribe", "--format", "json", "--alternatives", "3", "--out", out, media).returncode, 0)
        self.assertEqual(run("index", "add", index, media).returncode, 0)
        self.report("--index", index, "--query", "ask not", "--query", "country", out)
        data = data_of(self.out.read_text())
        self.assertTrue(data["recordings"][0]["has_alternatives"])
        likely = [[hit for hit in search["hits"] if hit["score"] > 0.5] for search in data["searches"]]
        self.assertEqual([len(hits) for hits in likely], [1, 2])
        words = [word for segment in data["recordings"][0]["segments"] for word in segment["words"]]
        self.assertEqual([word[0] for word in words if word[1] == likely[0][0]["start"]], ["ASK"])
        found = self.folder / "found.json"
        found.write_text(run("search", index, "--format", "json", "ask not", "country").stdout)
        self.assertEqual(data_of(self.page("--hits", found, out)), data)

    def test_bad_input(self):
        for arguments in ([self.talk], ["x.html"], ["x.html", self.talk, "--media", "some"], ["x.txt", self.talk],
                          ["x.html", self.talk, "--query", "a"], ["x.html", self.talk, "--index", "a"]):
            self.assertEqual(run("report", *arguments).returncode, 1, arguments)
        broken = self.folder / "broken.json"
        for text in ("{", "[]", '{"source":{"path":"a"},"segments":[{"words":[]}]}'):
            broken.write_text(text)
            self.assert_fails_cleanly(run("report", self.out, broken), broken, exit_code=3)
            self.assertFalse(self.out.exists())
        both = run("report", self.out, broken, self.talk)
        self.assertEqual(both.returncode, 2)
        self.assertEqual(len(data_of(self.out.read_text())["recordings"]), 1)
        self.out.unlink()
        timeless = transcript("timeless.wav", [(0, [word("A", 0.0)], [])])
        del timeless["segments"][0]["words"][0]["end"]
        path = self.write("timeless", timeless)
        self.assert_fails_cleanly(run("report", "--media", "none", self.out, path), "timeless.wav", exit_code=3)
        for text in ("{}", '[{"query":"a"}]', '[{"query":"a","hits":1}]', '[{"query":"a","hits":[{"file":1}]}]', "["):
            broken.write_text(text)
            self.assert_fails_cleanly(run("report", self.out, self.talk, "--hits", broken), broken, exit_code=3)
        self.assert_fails_cleanly(run("report", self.out, self.folder / "media"), self.folder / "media", exit_code=3)
        self.assert_fails_cleanly(run("report", self.folder / "none" / "x.html", self.talk), self.folder / "none", exit_code=3)
        self.assert_no_leftovers(self.folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
