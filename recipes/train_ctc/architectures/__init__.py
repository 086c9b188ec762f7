"""Encoders by the name that a config file gives them. Each takes ([batch, frames, bins], [batch] frames) and returns
([batch, frames', width], [batch] frames'), exact under padding: an example's result does not depend on its batch."""
from architectures.conformer import Conformer
from architectures.tdnnf import Tdnnf
from architectures.whisper_encoder import WhisperEncoder

BY_TYPE = {"whisper-encoder": WhisperEncoder, "conformer": Conformer, "tdnnf": Tdnnf}


def build(options):
    """Encoder of {"type": NAME, option: value...}; raises ValueError for a name or option that is unknown."""
    options = dict(options)
    kind = options.pop("type", None)
    if kind not in BY_TYPE:
        raise ValueError(f"architecture type {kind!r}: not one of {', '.join(sorted(BY_TYPE))}")
    try:
        return BY_TYPE[kind](**options)
    except TypeError as error:
        raise ValueError(f"architecture {kind}: {error}") from None
