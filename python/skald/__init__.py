"""Speech recognition and media transcription.

    import skald
    recognizer = skald.Recognizer()
    for result in recognizer.transcribe(["talk.mp4", "interview.wav"]):
        print(result.path, result.error or result.transcripts[0].text)

docs/user-guide.md has the rest.
"""
import dataclasses
import typing

from . import errors
from ._native import (Alternative, KeywordHit, KeywordIndex, LiveSession, LiveUpdate, Segment, SearchResult, SkippedSpan, Timing, Transcript,
                      Warning, Word, WordAlternative, __version__, default_model)
from ._native import Recognizer as _Recognizer
from .errors import SkaldError

__all__ = ["Alternative", "FileResult", "KeywordHit", "KeywordIndex", "LiveSession", "LiveUpdate", "Recognizer", "SAMPLE_RATE_HZ",
           "SearchResult", "Segment", "SkaldError", "SkippedSpan", "Timing", "Transcript", "Warning", "Word", "WordAlternative", "__version__", "default_model",
           "errors"]

SAMPLE_RATE_HZ = 16000


@dataclasses.dataclass
class FileResult:
    """What became of one input: transcripts of its tracks, or why there are none."""

    path: str
    error: typing.Optional[SkaldError]
    transcripts: typing.List[Transcript]

    def transcript(self) -> Transcript:
        """The first transcript; raises the error where there is none."""
        if self.error is not None:
            raise self.error
        return self.transcripts[0]


class Recognizer(_Recognizer):
    """Turns media files and samples into transcripts with one model.

    Loading takes seconds, so make one and keep it. Calls from several threads take turns; each uses all of the recognizer's
    workers and lets other Python threads run. `options` are those of `skald transcribe` by their names, with _ for -; see
    _native.pyi.
    """

    def transcribe(self, paths, *, track=0, split_channels=False, allow_network=False, index=None, on_result=None,
                   on_progress=None):
        """Transcribes media files as one batch; a list of FileResult, one for each path, in order.

        A file that fails has its error in its result and disturbs no other. `paths` may be an iterable that takes its time, such
        as a generator. `track` counts audio tracks from 0, -1 means all. `index` is the folder of a keyword index to which all
        that may have been said is added. `on_result(result)` is called with each result as soon as it is there; then the list
        that is returned is empty, so memory does not grow. `on_progress(files_done, files, audio_s)` hears how far the batch is.
        """
        if isinstance(paths, (str, bytes)):
            raise TypeError("paths is a list of paths; transcribe_file takes one")
        results = []
        deliver = on_result if on_result is not None else results.append
        self._transcribe(iter(paths), len(paths) if hasattr(paths, "__len__") else 0, track, split_channels, allow_network, index,
                         lambda *fields: deliver(FileResult(*fields)), on_progress)
        return results

    def transcribe_file(self, path, *, track=0, split_channels=False) -> Transcript:
        """The transcript of one track of one file; raises what went wrong."""
        return self.transcribe([path], track=track, split_channels=split_channels)[0].transcript()

    def transcribe_samples(self, samples, *, sample_rate_hz=SAMPLE_RATE_HZ):
        """The transcripts of a list of arrays, each mono float32 samples in [-1, 1] at 16 kHz; other rates are refused."""
        return self._transcribe_samples(list(samples), sample_rate_hz)
