"""A corpus small enough for tests of training."""
import pathlib
import shutil

EN_BASE = pathlib.Path(__file__).resolve().parents[3] / "models" / "en-base"


def tiny_corpus(folder):
    """A corpus of the three golden recordings, four times."""
    (folder / "audio").mkdir(parents=True)
    with open(folder / "text", "w", encoding="utf-8") as text:
        for copy_number in range(4):
            for name in ("jfk", "short", "long15"):
                shutil.copy(EN_BASE / "golden" / f"{name}.wav", folder / "audio" / f"{name}-{copy_number}.wav")
                words = (EN_BASE / "golden" / f"{name}.ref.txt").read_text().split(maxsplit=1)[1].strip()
                text.write(f"{name}-{copy_number} {words}\n")
    return folder
