"""Transcripts and keyword hits that the tests of `skald report` share."""
import json

from skald_process import SkaldTest, ffmpeg, run

NASTY = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>{{data}}&amp;"


def word(text, start, confidence=0.95, alternatives=()):
    entry = {"word": text, "start": start, "end": round(start + 0.3, 3), "confidence": confidence}
    if alternatives:
        entry["alternatives"] = [{"word": other, "posterior": share} for other, share in alternatives]
    return entry


def transcript(path, segments, duration=12.0, warnings=()):
    return {"skald": "0.1.0", "source": {"path": str(path), "duration": duration, "track": 0, "sample_rate": 16000, "channels": 1},
            "model": {"name": "en-test"},
            "segments": [{"start": words[0]["start"], "end": words[-1]["end"], "text": " ".join(w["word"] for w in words),
                          "confidence": 0.9, "channel": channel, "words": words, "nbest": nbest}
                         for channel, words, nbest in segments],
            "warnings": list(warnings)}


class ReportSamples(SkaldTest):
    """Two recordings: `talk & more.wav` beside its transcript, with alternatives, and one with hostile names and words."""

    def setUp(self):
        super().setUp()
        self.media = self.folder / "media" / "talk & more #1.wav"
        self.media.parent.mkdir()
        ffmpeg("-f", "lavfi", "-i", "sine=frequency=300:duration=12", "-ar", "8000", self.media)
        first = [word("THE", 1.0), word("COUNTRY", 1.5, 0.62, [("COUNTY", 0.25), ("", 0.125)]), word("HOUSE", 2.0, 0.8),
                 word("STANDS", 2.5, 0.3)]
        second = [word("ALONE", 6.0), word("CAFÉ", 6.5), word("COUNTRY", 7.0)]
        self.talk = self.write("talk", transcript(self.media, [(0, first, []), (0, second, [])]))
        self.nasty = self.write("nasty", transcript(NASTY.replace("/", "∕") + ".wav", [(0, [word(NASTY, 0.5, 0.4, [(NASTY, 0.5)])], []),
                                                                   (1, [word("COUNTRY", 3.0)], [])],
                                                    warnings=[{"time": 3, "what": NASTY}]))
        self.hits = self.write("hits", [
            {"query": "country", "kind": "word", "threshold": 0.5, "hits": [
                self.hit(self.media, 1.5, 0.9, True), self.hit(self.media, 7.0, 0.2, False),
                self.hit("elsewhere.wav", 1.0, 0.9, True)]},
            {"query": NASTY, "kind": "oov", "threshold": 0.5, "hits": [], "tried": NASTY}])
        self.out = self.folder / "report.html"

    def write(self, name, value):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(value))
        return path

    @staticmethod
    def hit(file, start, score, decision):
        return {"file": str(file), "track": 0, "channel": 0, "start": start, "end": start + 0.3, "play": max(0, start - 1),
                "score": score, "decision": decision, "context": "THE COUNTRY HOUSE"}

    def report(self, *arguments, exit_code=0):
        result = run("report", self.out, *arguments)
        self.assertEqual(result.returncode, exit_code, result.stderr)
        self.assertEqual(result.stdout, "")
        return result
