"""What goes wrong, by kind. Every error says which file, where in it, and why, as far as each is known."""


class SkaldError(Exception):
    """Base of all errors of Skald."""

    def __init__(self, reason: str, file: str = "", position: str = ""):
        super().__init__(reason, file, position)
        self.reason = reason
        self.file = file
        self.position = position

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.position, self.reason) if part)


class InvalidArgumentError(SkaldError, ValueError):
    """An option or a call is wrong."""


class NotFoundError(SkaldError):
    """A file or an entry does not exist."""


class InputOutputError(SkaldError):
    """The operating system refused to read or write."""


class CorruptError(SkaldError):
    """Data is damaged, truncated, or fails its checksum."""


class UnsupportedError(SkaldError):
    """Data is well formed, but of a kind that Skald does not handle."""


class ResourceExhaustedError(SkaldError):
    """Host memory or a stated limit is used up."""


class CancelledError(SkaldError):
    """The caller asked to stop."""


class DeviceError(SkaldError):
    """CUDA or one of its libraries failed."""


class DeviceOutOfMemoryError(DeviceError):
    """Device memory is used up."""


# By skald::StatusCode.
BY_CODE = (SkaldError, InvalidArgumentError, NotFoundError, InputOutputError, CorruptError, UnsupportedError,
           ResourceExhaustedError, CancelledError, DeviceError, DeviceOutOfMemoryError)
