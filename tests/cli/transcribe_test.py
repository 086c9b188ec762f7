"""`skald transcribe` with the default model on real media."""
import difflib
import json
import pathlib
import unittest

from skald_process import PROJECT, SAMPLES, SkaldTest, ffmpeg, run, without_timing

WORDS = "ASK NOT WHAT YOUR COUNTRY CAN DO FOR YOU"


class TranscribeTest(SkaldTest):
    def test_audio_and_video_samples(self):
        for path in sorted(SAMPLES.iterdir()):
            if path.suffix in (".mp3", ".opus", ".mp4", ".m4a", ".wav", ".flac"):
                result = run("transcribe", path)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertGreater(len(result.stdout.split()), 5, path)

    def test_every_format_lands_in_the_folder(self):
        out = self.folder / "out"
        result = run("transcribe", "--out", out, "--format", "txt,json,srt,vtt,ttml,ctm", self.audio_sample())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, "")
        endings = sorted(path.suffix for path in out.iterdir() if path.is_file())
        self.assertEqual(endings, [".ctm", ".json", ".srt", ".ttml", ".txt", ".vtt"])
        transcript = json.loads(next(out.glob("*.json")).read_text())
        words = [word for segment in transcript["segments"] for word in segment["words"]]
        self.assertGreater(len(words), 5)
        self.assertTrue(all(0 <= word["confidence"] <= 1 for word in words))
        self.assertTrue(all(0 <= word["start"] <= word["end"] <= transcript["source"]["duration"] + 0.1 for word in words))
        starts = [word["start"] for word in words]
        self.assertEqual(starts, sorted(starts))

    def test_report_says_what_the_threads_did(self):
        report = self.folder / "report.json"
        result = run("transcribe", "--out", self.folder / "out", "--report", report, "--progress", "json", SAMPLES)
        self.assertEqual(result.returncode, 0, result.stderr)
        read = json.loads(report.read_text())
        self.assertEqual(json.loads(result.stderr.splitlines()[-1])["report"], read)
        self.assertEqual(read["files"], len([path for path in (self.folder / "out").iterdir() if path.suffix == ".txt"]))
        self.assertEqual(read["files_failed"], 0)
        self.assertAlmostEqual(read["times_real_time"], read["audio_s"] / read["wall_s"], delta=0.05 * read["times_real_time"])
        stages = {stage for worker in read["workers"] for stage in worker["busy_s"]}
        self.assertLessEqual({"read", "model", "search", "write"}, stages)
        for worker in read["workers"]:
            self.assertLessEqual(worker["busy_share"], 1)
        for queue in read["queues"]:
            self.assertLessEqual(queue["most"], queue["capacity"])

    def test_standard_input(self):
        with open(self.audio_sample(), "rb") as audio:
            piped = run("transcribe", "-", stdin=audio)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertEqual(piped.stdout, run("transcribe", self.audio_sample()).stdout)

    def test_live_words_are_final_and_come_in_time(self):
        with open(self.audio_sample(), "rb") as audio:
            result = run("transcribe", "--live", "--format", "json", "-", stdin=audio)
        self.assertEqual(result.returncode, 0, result.stderr)
        updates = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertGreater(len(updates), 2)
        words = [dict(word, heard=update["heard"]) for update in updates for word in update["words"]]
        for before, word in zip(words, words[1:]):
            self.assertLessEqual(before["start"], word["start"])
            # Step, lookahead and delay after the next word began.
            self.assertLessEqual(before["heard"] - word["start"], 0.5 + 1.0 + 2.0 + 0.1)
        whole = run("transcribe", self.audio_sample()).stdout.split()
        same = difflib.SequenceMatcher(None, whole, [word["word"] for word in words]).ratio()
        self.assertGreater(same, 0.85)
        text = run("transcribe", "--live", self.audio_sample())
        self.assertEqual(text.stdout.split(), [word["word"] for word in words])

    def test_live_refuses_what_it_cannot_do(self):
        for arguments in (["--out", self.folder / "out"], ["--format", "srt"], ["--track", "all"], ["--live-step", "0"]):
            result = run("transcribe", "--live", *arguments, self.audio_sample())
            self.assertEqual(result.returncode, 1, arguments)
            self.assertEqual(result.stdout, "")

    def test_boosted_phrases_are_preferred_and_unknown_words_become_known(self):
        sample = self.audio_sample()
        plain = run("transcribe", sample).stdout
        phrases = self.folder / "phrases.txt"
        phrases.write_text("# names\nASK NOT\t2\nskaldikon\n")
        boosted = run("transcribe", "--boost", phrases, "--boost", "your country", sample)
        self.assertEqual(boosted.returncode, 0, boosted.stderr)
        self.assertGreater(difflib.SequenceMatcher(None, plain.split(), boosted.stdout.split()).ratio(), 0.8)
        hated = run("transcribe", "--boost", plain.split()[0], "--boost-weight", "-30", sample)
        self.assertNotEqual(hated.stdout.split()[0], plain.split()[0])
        phrases.write_text("ASK NOT\tmuch\n")
        refused = run("transcribe", "--boost", phrases, sample)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("line 1", refused.stderr)

    def test_results_do_not_depend_on_threads_order_or_company(self):
        paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".mp3", ".opus", ".mp4", ".flac", ".wav")]
        long = self.folder / "long.wav"
        ffmpeg("-i", paths[0], "-i", paths[-1], "-filter_complex", "[0:a][1:a][0:a][1:a]concat=n=4:v=0:a=1", "-ar", "16000", "-ac", "1", long)
        paths.append(long)
        for path in paths:
            self.assertEqual(run("transcribe", "--out", self.folder / "alone", "--format", "json", path).returncode, 0)
        for name, threads, order in (("one", 1, paths), ("many", 3, paths[::-1])):
            result = run("transcribe", "--threads", threads, "--out", self.folder / name, "--format", "json", *order)
            self.assertEqual(result.returncode, 0, result.stderr)
            for path in paths:
                file = path.stem + ".json"
                self.assertEqual(without_timing(self.folder / name / file), without_timing(self.folder / "alone" / file))

    def test_times_agree_with_a_player(self):
        speech = self.audio_sample()
        late = self.folder / "late.wav"
        ffmpeg("-i", speech, "-af", "adelay=3000:all=1", late)
        for path, name in ((speech, "now"), (late, "late")):
            self.assertEqual(run("transcribe", "--out", self.folder / name, "--format", "json", path).returncode, 0)
        first = lambda name: without_timing(next((self.folder / name).glob("*.json")))["segments"][0]["words"][0]["start"]
        self.assertAlmostEqual(first("late") - first("now"), 3.0, delta=0.1)

    def test_split_channels(self):
        speech = self.audio_sample()
        stereo = self.folder / "stereo.wav"
        ffmpeg("-i", speech, "-filter_complex", "[0:a]aformat=channel_layouts=mono,asplit[a][b];[b]volume=0[c];[a][c]amerge", stereo)
        result = run("transcribe", "--channels", "split", "--out", self.folder, "--format", "json", stereo)
        self.assertEqual(result.returncode, 0, result.stderr)
        transcript = json.loads((self.folder / "stereo.json").read_text())
        self.assertEqual({segment["channel"] for segment in transcript["segments"]}, {0})

    def test_chosen_and_all_tracks(self):
        speech = self.audio_sample()
        tracks = self.folder / "tracks.mkv"
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono:d=4", "-i", speech, "-map", "0:a", "-map", "1:a", "-c:a", "flac", tracks)
        self.assertEqual(run("transcribe", "--track", 1, tracks).stdout, run("transcribe", speech).stdout)
        result = run("transcribe", "--track", "all", "--out", self.folder, tracks)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.folder / "tracks.track0.txt").read_text().strip(), "")
        self.assertGreater(len((self.folder / "tracks.track1.txt").read_text().split()), 5)
        missing = run("transcribe", "--track", 7, tracks)
        self.assert_fails_cleanly(missing, tracks)


if __name__ == "__main__":
    unittest.main(verbosity=2)
