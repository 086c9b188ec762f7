"""Synthetic speech for a held-out text: `speak.py TEXT OUT COUNT VOICE.onnx` writes OUT/audio/*.wav, OUT/text and OUT/utt2dur as corpora have them.

TEXT holds running text; COUNT of its sentences of 6 to 30 words, evenly spread, are spoken by a Piper voice (PyPI piper-tts) as they are written; OUT/text has them
as normalize_text.py does.
"""
import io
import pathlib
import subprocess
import sys
import wave

from piper import PiperVoice


def main():
    text, out, count, model = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    normalizer = pathlib.Path(__file__).with_name("normalize_text.py")
    with open(text, "rb") as file:
        lines = subprocess.run([sys.executable, normalizer, "--keep-written"], stdin=file, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    pairs = [line.split("\t") for line in lines if 6 <= len(line.split("\t")[0].split()) <= 30]
    pairs = [pairs[i * len(pairs) // count] for i in range(min(count, len(pairs)))]
    (out / "audio").mkdir(parents=True, exist_ok=True)
    voice = PiperVoice.load(model)
    references, durations = [], []
    for i, (words, written) in enumerate(pairs):
        name = "sentence-%04d" % i
        sound = io.BytesIO()
        with wave.open(sound, "wb") as file:
            voice.synthesize_wav(written, file)
        (out / "audio" / (name + ".wav")).write_bytes(sound.getvalue())
        with wave.open(io.BytesIO(sound.getvalue())) as file:
            durations.append("%s %.3f" % (name, file.getnframes() / file.getframerate()))
        references.append(name + " " + words)
    (out / "text").write_text("".join(line + "\n" for line in references))
    (out / "utt2dur").write_text("".join(line + "\n" for line in durations))


if __name__ == "__main__":
    main()
