import os
import typing

_Path = typing.Union[str, bytes, os.PathLike]
_T = typing.TypeVar("_T")

__version__: str

def default_model() -> str:
    """Folder of the model that is used where none is named."""

class Word:
    """A recognised word; times in seconds from the start of the media file."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def confidence(self) -> float: ...
    @property
    def alternatives(self) -> typing.Sequence[WordAlternative]:
        """Other words that may have been said here; empty unless the recognizer was made with alternatives=N."""

class WordAlternative:
    """What may have been said in place of a word; an empty text: nothing."""

    @property
    def text(self) -> str: ...
    @property
    def posterior(self) -> float: ...

class Alternative:
    """One of the n best texts of a segment; `cost` in nats, smaller is better."""

    @property
    def text(self) -> str: ...
    @property
    def cost(self) -> float: ...

class Warning:
    """Something that went wrong without ending the transcription."""

    @property
    def time_s(self) -> float: ...
    @property
    def what(self) -> str: ...

class SkippedSpan:
    """A stretch that was not transcribed, because nobody speaks there as far as could be told."""

    @property
    def channel(self) -> int: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...

class Timing:
    """Where the seconds went."""

    @property
    def audio_s(self) -> float: ...
    @property
    def decode_s(self) -> float: ...
    @property
    def features_s(self) -> float: ...
    @property
    def model_s(self) -> float: ...
    @property
    def search_s(self) -> float: ...
    @property
    def wall_s(self) -> float: ...
    @property
    def vad_s(self) -> float: ...

class Segment:
    """A stretch of speech between two pauses."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def channel(self) -> int: ...
    @property
    def confidence(self) -> float: ...
    @property
    def words(self) -> typing.Sequence[Word]: ...
    @property
    def nbest(self) -> typing.Sequence[Alternative]: ...

class Transcript:
    """Everything known about one audio track. Can be pickled."""

    @property
    def text(self) -> str: ...
    @property
    def segments(self) -> typing.Sequence[Segment]: ...
    @property
    def warnings(self) -> typing.Sequence[Warning]: ...
    @property
    def skipped(self) -> typing.Sequence[SkippedSpan]: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def path(self) -> str: ...
    @property
    def track(self) -> int: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def sample_rate_hz(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def model_name(self) -> str: ...
    @property
    def model_sha256(self) -> str: ...
    @property
    def graph_sha256(self) -> str: ...
    @property
    def options(self) -> typing.Dict[str, str]: ...
    def format(
        self,
        format: str,
        *,
        text_case: str = "as-is",
        times: bool = False,
        split_channels: bool = False,
        several_tracks: bool = False,
        lattice_type: str = "text",
        language: str = "en",
    ) -> typing.Union[str, bytes]:
        """The file that `skald transcribe` writes: txt, json, srt, vtt, ttml, ctm or lattice; bytes for binary lattices.

        Lattices are there where the recognizer was made with the same lattice_type.
        """
    def to_json(self) -> str: ...

class Recognizer:
    def __init__(
        self,
        model: typing.Optional[_Path] = None,
        device: str = "auto",
        *,
        precision: str = ...,
        threads: int = ...,
        search: str = ...,
        lanes: int = ...,
        head: str = ...,
        graph: _Path = ...,
        cache: _Path = ...,
        beam: float = ...,
        lattice_beam: float = ...,
        max_active: int = ...,
        lm_scale: float = ...,
        word_penalty: float = ...,
        blank_penalty: float = ...,
        boost: typing.Iterable[typing.Union[str, typing.Tuple[str, float]]] = ...,
        rescore: typing.Union[bool, _Path] = ...,
        rescore_weight: float = ...,
        rescore_lm_scale: float = ...,
        rescore_word_penalty: float = ...,
        also_model: typing.Iterable[typing.Union[str, typing.Tuple[str, float]]] = ...,
        decode: str = ...,
        mbr_scale: float = ...,
        confidence_scale: float = ...,
        raw_confidences: bool = ...,
        nbest: int = ...,
        alternatives: int = ...,
        lattice_type: str = ...,
        vad: str = ...,
        vad_threshold: float = ...,
        vad_padding: float = ...,
        vad_min_skip: float = ...,
        window: float = ...,
        context: float = ...,
        pause: float = ...,
        batch: float = ...,
    ) -> None: ...
    @property
    def info(self) -> typing.Dict[str, typing.Any]:
        """What it runs with: model_folder, model_name, head, device, precision, search_device, graph_path, threads, load_s, notes."""

class KeywordHit:
    """A place where what was asked for may have been said."""

    @property
    def file(self) -> str: ...
    @property
    def track(self) -> int: ...
    @property
    def channel(self) -> int: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def play_s(self) -> float: ...
    @property
    def score(self) -> float: ...
    @property
    def decision(self) -> bool: ...
    @property
    def context(self) -> str: ...

class SearchResult:
    @property
    def query(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def hits(self) -> typing.List[KeywordHit]: ...
    @property
    def hit_count(self) -> int: ...
    @property
    def threshold(self) -> float: ...
    @property
    def tried(self) -> str: ...

class KeywordIndex:
    """A keyword index opened for searching. Several threads may search at once."""

    def __init__(self, folder: _Path, pronunciations: typing.Optional[_Path] = None) -> None: ...
    def search(
        self,
        query: str,
        *,
        min_score: float = 0.1,
        max_hits: int = 0,
        context_words: int = 5,
        max_gap_s: float = 1.0,
        sounds_alike: bool = True,
        threads: int = 0,
    ) -> SearchResult: ...
    def refresh(self) -> None:
        """Sees what was added and removed since."""
    @property
    def files(self) -> typing.List[str]: ...
    @staticmethod
    def merge(folder: _Path) -> int:
        """Makes one segment of all; how many there were."""
    @staticmethod
    def absorb(folder: _Path, other: _Path) -> int:
        """Puts all that `other` holds into the index in `folder`, made where there is none; how many files."""
    @staticmethod
    def remove(folder: _Path, files: typing.Sequence[_Path]) -> int:
        """Makes files unfindable; how many of them there were."""

class LiveUpdate:
    """Words that will not change any more."""

    @property
    def words(self) -> typing.Sequence[Word]: ...
    @property
    def line_ended(self) -> bool: ...
    @property
    def heard_s(self) -> float: ...

class LiveSession:
    """One stream, transcribed while it is heard. Takes the options of Recognizer."""

    def __init__(
        self,
        model: typing.Optional[_Path] = None,
        device: str = "auto",
        max_delay_s: float = 2.0,
        lookahead_s: float = 1.0,
        step_s: float = 0.5,
        **options: typing.Any,
    ) -> None: ...
    def push(self, samples: typing.Any) -> typing.List[LiveUpdate]:
        """Hears mono float32 samples at 16 kHz that follow those before."""
    def finish(self) -> typing.List[LiveUpdate]:
        """The stream is over: what is left of it."""
