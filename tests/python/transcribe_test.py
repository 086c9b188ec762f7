"""The module gives what the program gives, byte for byte."""
import pathlib
import pickle
import unittest

import skald
from module_support import SkaldTest, ffmpeg, media, recognizer, run, samples_of, without_timing

try:
    import numpy
except ImportError:
    numpy = None


class TranscribeTest(SkaldTest):
    def test_a_batch_of_files_in_every_format(self):
        paths = [str(path) for path in media()]
        formats = ["txt", "json", "srt", "vtt", "ttml", "ctm"]
        run("transcribe", "--device", "cpu", "--out", self.folder, "--format", ",".join(formats), *paths)
        results = recognizer().transcribe(paths)
        self.assertEqual([result.path for result in results], paths)
        for path, result in zip(paths, results):
            self.assertIsNone(result.error)
            self.assertTrue(result.transcript().text)
            for name in formats:
                written = next(self.folder.rglob("%s*.%s" % (pathlib.Path(path).stem, name))).read_text()
                given = result.transcript().format(name)
                if name == "json":
                    self.assertEqual(result.transcript().to_json(), given)
                    written, given = without_timing(written), without_timing(given)
                self.assertEqual(given, written)

    def test_fields(self):
        transcript = recognizer().transcribe_file(media()[0])
        self.assertEqual(transcript.path, str(media()[0]))
        self.assertEqual(transcript.track, 0)
        self.assertGreater(transcript.duration_s, 1)
        words = [word for segment in transcript.segments for word in segment.words]
        self.assertEqual(transcript.text, " ".join(word.text for word in words))
        self.assertTrue(all(0 <= word.start_s <= word.end_s <= transcript.duration_s + 0.1 for word in words))
        self.assertTrue(all(0 <= word.confidence <= 1 for word in words))
        self.assertIn("beam", transcript.options)
        self.assertEqual(recognizer().info["device"], "cpu")

    def test_options_are_the_programs(self):
        path = media()[0]
        made = skald.Recognizer(device="cpu", beam=10, nbest=3, alternatives=2, lattice_type="text", decode="viterbi", boost=["xylophone"],
                                rescore=True, pause=0.5)
        transcript = made.transcribe_file(path)
        options = ["--device", "cpu", "--beam", 10, "--nbest", 3, "--alternatives", 2, "--decode", "viterbi", "--boost", "xylophone", "--rescore", "large",
                   "--pause", 0.5]
        run("transcribe", "--out", self.folder, "--format", "json,lattice", *options, path)
        self.assertEqual(without_timing(transcript.to_json()), without_timing(next(self.folder.glob("*.json")).read_text()))
        self.assertEqual(transcript.format("lattice"), next(self.folder.glob("*.lattice.txt")).read_text())
        self.assertGreater(len(transcript.segments[0].nbest), 1)

    def test_samples(self):
        samples, raw = samples_of(media()[0])
        (self.folder / "speech.raw").write_bytes(raw)
        ffmpeg("-f", "s16le", "-ar", 16000, "-ac", 1, "-i", self.folder / "speech.raw", self.folder / "speech.wav")
        expected = recognizer().transcribe_file(self.folder / "speech.wav")
        arrays = [samples]
        if numpy is not None:
            whole = numpy.array(samples, dtype=numpy.float32)
            stereo = numpy.stack([whole, 0 * whole], axis=1)
            arrays += [whole, stereo[:, 0]]  # contiguous and with strides
        for transcript in recognizer().transcribe_samples(arrays):
            self.assertEqual(pickle.dumps(transcript.segments[0].words[0].text), pickle.dumps(expected.segments[0].words[0].text))
            self.assertEqual(transcript.format("txt", times=True), expected.format("txt", times=True))

    def test_a_transcript_survives_pickling(self):
        transcript = skald.Recognizer(device="cpu", nbest=2, alternatives=3, lattice_type="text").transcribe_file(media()[0])
        again = pickle.loads(pickle.dumps(transcript))
        self.assertEqual(again.to_json(), transcript.to_json())
        self.assertEqual(again.format("lattice"), transcript.format("lattice"))

    def test_what_voice_activity_detection_left_out(self):
        path = self.folder / "late.wav"
        ffmpeg("-i", media()[0], "-vn", "-ac", 1, "-ar", 16000, "-af", "adelay=8s:all=1", path)
        transcript = skald.Recognizer(device="cpu", vad="silero", vad_padding=0.5, vad_min_skip=3).transcribe_file(path)
        run("transcribe", "--device", "cpu", "--vad", "silero", "--vad-padding", 0.5, "--vad-min-skip", 3, "--out", self.folder, "--format", "json", path)
        self.assertEqual(without_timing(transcript.to_json()), without_timing((self.folder / "late.json").read_text()))
        span = transcript.skipped[0]
        self.assertEqual((span.channel, span.start_s), (0, 0))
        self.assertGreater(span.end_s, 7)
        self.assertGreater(transcript.timing.vad_s, 0)
        again = pickle.loads(pickle.dumps(transcript))
        self.assertEqual(again.to_json(), transcript.to_json())
        self.assertEqual(again.timing.vad_s, transcript.timing.vad_s)

    def test_results_come_to_a_function_one_by_one(self):
        paths = media()
        heard, progress = [], []
        returned = recognizer().transcribe((path for path in paths), on_result=heard.append,
                                           on_progress=lambda *now: progress.append(now))
        self.assertEqual(returned, [])
        self.assertEqual([result.path for result in heard], [str(path) for path in paths])
        self.assertEqual(progress[-1][0], len(paths))


if __name__ == "__main__":
    unittest.main()
