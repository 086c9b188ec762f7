#!/usr/bin/env python3
"""Imports a Vosk model and compares Skald's words with Vosk's on synthetic Korean speech. Exit code 77: not possible here."""
import os
import shutil
import subprocess
import sys
import tempfile

PROJECT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
SENTENCES = ["안녕하세요 만나서 반갑습니다", "오늘 날씨가 아주 좋습니다", "서울은 대한민국의 수도입니다", "커피 한 잔 주세요",
             "우리 가족은 모두 다섯 명입니다", "회의는 오후 세 시에 시작합니다", "기차를 타고 부산에 갔습니다", "건강이 가장 중요합니다"]
# Of words, on the best path and of least risk; docs/measurements.md says why some of the latter differ.
MOST_DIFFERENCES = ["0.01", "0.1"]


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def main():
    model = os.environ.get("SKALD_VOSK_MODEL", "")
    if not os.path.exists(f"{model}/am/final.mdl"):
        skip("SKALD_VOSK_MODEL names no Vosk model")
    python = f"{PROJECT}/.cache/vosk/bin/python"
    if not os.path.exists(python):
        skip("there is no Python with Vosk: run recipes/compare_vosk/run")
    if shutil.which("espeak-ng") is None:
        skip("there is no espeak-ng")
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/audio")
        for i, sentence in enumerate(SENTENCES):
            subprocess.run(["espeak-ng", "-v", "ko", "-w", f"{work}/raw.wav", sentence], check=True)
            subprocess.run(["ffmpeg", "-v", "error", "-i", f"{work}/raw.wav", "-ar", "16000", "-ac", "1", f"{work}/audio/{i}.wav"], check=True)
            os.remove(f"{work}/raw.wav")
        skald = os.environ["SKALD"]
        bundle = os.environ.get("SKALD_VOSK_BUNDLE") or f"{work}/bundle"
        if not os.path.exists(f"{bundle}/bundle.json"):
            subprocess.run([skald, "model", "import", "kaldi", model, bundle], check=True)
        subprocess.run([skald, "graph", "check", f"{bundle}/graph.skg"], check=True)
        sys.exit(subprocess.run([python, f"{PROJECT}/recipes/compare_vosk/compare.py", "--skald", skald, "--model", model, "--bundle", bundle,
                                 "--most-differences", *MOST_DIFFERENCES, f"{work}/audio"]).returncode)


if __name__ == "__main__":
    main()
