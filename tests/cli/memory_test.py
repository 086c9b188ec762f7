"""Memory does not grow with the length of a recording, nor with the number of files: outputs are written as they come."""
import os
import subprocess
import unittest

from skald_process import SKALD, SkaldTest, ffmpeg

# Long n-best lists make outputs large: what were kept of them would show. Short windows fill the queue of windows early.
OPTIONS = ("--nbest", "5000", "--lattice-beam", "14", "--format", "json,lattice,txt,srt,vtt,ttml,ctm", "--threads", "2", "--window", "10")


class MemoryTest(SkaldTest):
    def peak_mb(self, name, *inputs):
        """Peak resident memory of a transcription, and the size of its outputs."""
        out = self.folder / name
        process = subprocess.Popen([SKALD, "transcribe", "--progress", "none", "--out", str(out), *OPTIONS, *map(str, inputs)],
                                   stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        self.assertEqual(process.returncode, 0, errors)
        return usage.ru_maxrss / 1024, sum(path.stat().st_size for path in out.glob("*.*")) / 1e6

    def test_a_long_recording_takes_no_more_than_a_short_one(self):
        sample = self.audio_sample()
        short, long = self.folder / "short.flac", self.folder / "long.flac"
        for path, seconds in ((short, 480), (long, 1200)):  # by 480 s every queue has been full and the peak no longer wanders
            ffmpeg("-stream_loop", "-1", "-i", sample, "-t", seconds, "-ac", "1", "-ar", "16000", path)
        short_mb, short_output_mb = self.peak_mb("short", short)
        long_mb, long_output_mb = self.peak_mb("long", long)
        more_mb = long_output_mb - short_output_mb
        self.assertGreater(more_mb, 50, "outputs are too small for this test")
        self.assertLess(long_mb - short_mb, more_mb / 2, "%.0f and %.0f MB" % (short_mb, long_mb))

    def test_many_files_take_no_more_than_some(self):
        clips = self.folder / "clips"
        clips.mkdir()
        ffmpeg("-stream_loop", "-1", "-i", self.audio_sample(), "-t", "610", "-ac", "1", "-ar", "16000", "-f", "segment",
               "-segment_time", "1", clips / "%04d.flac")
        paths = sorted(clips.iterdir())
        self.assertGreaterEqual(len(paths), 600)
        some_mb, some_output_mb = self.peak_mb("some", *paths[:200])
        many_mb, many_output_mb = self.peak_mb("many", *paths[:600])
        more_mb = many_output_mb - some_output_mb
        self.assertGreater(more_mb, 20, "outputs are too small for this test")
        self.assertLess(many_mb - some_mb, more_mb / 2, "%.0f and %.0f MB" % (some_mb, many_mb))


if __name__ == "__main__":
    unittest.main()
