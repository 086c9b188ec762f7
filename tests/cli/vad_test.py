"""skald transcribe --vad: no words without speech, no speech lost, times unchanged, and what is said where it cannot work."""
import json
import os
import unittest

from skald_process import PROJECT, SkaldTest, ffmpeg, run

# Hears this speech the same beside any context, so that whole texts can be compared.
MODEL = ("--model", PROJECT / "models/en-base")
SILENCE = "anullsrc=r=16000:cl=mono"
NOISE = "anoisesrc=r=16000:c=white:a=0.05:seed=1"
# Four notes with overtones, a chord change every two seconds: music as a filter graph can make it.
MUSIC = "aevalsrc=" + "+".join(
    f"{0.06 / overtone}*sin(2*PI*{overtone}*{note}*(1+0.25*mod(floor(t/2)\\,3))*t)*exp(-1.5*mod(t\\,0.5))"
    for note in (196, 247, 294, 392) for overtone in (1, 2, 3)) + ":s=16000"


def words_of(transcript):
    return [word for segment in transcript["segments"] for word in segment["words"]]


class VadTest(SkaldTest):
    def make(self, name, expression, seconds):
        path = self.folder / name
        ffmpeg("-f", "lavfi", "-i", expression, "-t", seconds, "-ac", 1, path)
        return path

    def speech(self):
        path = self.folder / "speech.wav"
        ffmpeg("-i", self.sample(".mp4"), "-vn", "-ac", 1, "-ar", 16000, path)
        return path

    def join(self, name, *parts):
        path = self.folder / name
        inputs = [argument for part in parts for argument in ("-i", part)]
        ffmpeg(*inputs, "-filter_complex", f"concat=n={len(parts)}:v=0:a=1", path)
        return path

    def transcribe(self, *arguments):
        out = self.folder / f"out{len(list(self.folder.glob('out*')))}"
        result = run("transcribe", *MODEL, "--format", "json", "--out", out, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}

    def test_no_words_without_speech(self):
        inputs = [self.make(name + ".flac", expression, 60) for name, expression in (("silence", SILENCE), ("noise", NOISE), ("music", MUSIC))]
        for detector, sounds in (("silero", inputs), ("energy", inputs[:2])):
            for name, transcript in self.transcribe("--vad", detector, *sounds).items():
                with self.subTest(detector + " " + name):
                    self.assertEqual(words_of(transcript), [])
                    self.assertEqual(transcript["source"]["duration"], 60)
                    self.assertGreaterEqual(sum(span["end"] - span["start"] for span in transcript["skipped"]), 55)
                    if name == "silence":
                        self.assertEqual(transcript["skipped"], [{"channel": 0, "start": 0, "end": 60}])
                        self.assertEqual(transcript["timing"]["model_s"], 0)

    def test_speech_keeps_its_words_and_times_beside_long_pauses(self):
        speech = self.speech()
        path = self.join("talk.wav", self.make("noise.wav", NOISE.replace("0.05", "0.002"), 20), speech, self.make("silence.wav", SILENCE, 30), speech)
        expected = words_of(self.transcribe("--vad", "off", path)["talk"])
        for detector in ("silero", "energy"):
            with self.subTest(detector):
                transcript = self.transcribe("--vad", detector, path)["talk"]
                found = words_of(transcript)
                self.assertEqual([word["word"] for word in found], [word["word"] for word in expected])
                for one, other in zip(found, expected):
                    self.assertAlmostEqual(one["start"], other["start"], delta=0.1)
                    self.assertAlmostEqual(one["end"], other["end"], delta=0.1)
                skipped = sum(span["end"] - span["start"] for span in transcript["skipped"])
                self.assertGreater(skipped, 35)
                for span in transcript["skipped"]:
                    self.assertFalse(any(word["start"] < span["end"] and word["end"] > span["start"] for word in expected))

    def test_nothing_skipped_changes_nothing(self):
        speech = self.speech()
        off = self.transcribe("--vad", "off", speech)["speech"]
        default = self.transcribe(speech)["speech"]
        on = self.transcribe("--vad", "silero", speech)["speech"]
        self.assertNotIn("skipped", off)
        self.assertNotIn("vad", off["options"])
        self.assertIn("silero", on["options"].pop("vad"))
        for transcript in (default, off, on):
            del transcript["timing"]
        self.assertEqual(on, off)
        self.assertEqual(default, off)

    def test_company_and_threads_do_not_matter(self):
        speech = self.speech()
        path = self.join("talk.wav", speech, self.make("silence.wav", SILENCE, 12), speech)
        alone = self.transcribe("--vad", "silero", "--threads", 1, path)["talk"]
        together = self.transcribe("--vad", "silero", "--threads", 2, speech, path, speech)["talk"]
        for transcript in (alone, together):
            del transcript["timing"]
        self.assertEqual(together, alone)

    def test_channels_are_judged_one_by_one(self):
        path = self.folder / "stereo.wav"
        ffmpeg("-i", self.speech(), "-f", "lavfi", "-i", SILENCE, "-filter_complex", "[0:a][1:a]join=inputs=2:channel_layout=stereo",
               "-t", 10, path)
        transcript = self.transcribe("--vad", "silero", "--channels", "split", path)["stereo"]
        self.assertEqual({segment["channel"] for segment in transcript["segments"]}, {0})
        self.assertIn({"channel": 1, "start": 0, "end": 10}, transcript["skipped"])

    def test_live(self):
        speech = self.speech()
        path = self.join("talk.wav", speech, self.make("silence.wav", SILENCE, 20), speech)
        lines = {}
        for detector in ("off", "silero"):
            result = run("transcribe", *MODEL, "--live", "--format", "json", "--vad", detector, path)
            self.assertEqual(result.returncode, 0, result.stderr)
            updates = [json.loads(line) for line in result.stdout.splitlines()]
            lines[detector] = [word["word"] for update in updates for word in update["words"]]
            first = [update for update in updates if update["words"] and update["words"][-1]["end"] < 12]
            self.assertLess(first[-1]["heard"], 16, "words wait for the next speech")
        self.assertEqual(lines["silero"], lines["off"])
        self.assertGreater(len(lines["off"]), 30)

    def test_what_cannot_work_is_said(self):
        speech = self.speech()
        self.assertEqual(run("transcribe", "--vad", "loud", speech).returncode, 1)
        self.assertEqual(run("transcribe", "--vad-threshold", "2", speech).returncode, 1)
        nowhere = dict(os.environ, SKALD_VAD_MODEL=str(self.folder / "nowhere"))
        self.assert_fails_cleanly(run("transcribe", "--vad", "silero", speech, env=nowhere), "nowhere", exit_code=3)
        self.assertEqual(run("transcribe", "--vad", "energy", speech, env=nowhere).returncode, 0)
        self.assertEqual(run("transcribe", speech, env=nowhere).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
