"""Builds kaldi_lattice_copy in a folder: python3 kaldi_lattice_copy.py FOLDER.

Needs g++ and the wheel kaldi-active-grammar==3.2.0, which brings Kaldi's libraries; it is looked for by this Python
(SKALD_TEST_PYTHON_PATH names a further folder with packages). `build` returns None where one is missing.
"""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

PACKAGE = "kaldi_active_grammar"


def find_libraries():
    for folder in os.environ.get("SKALD_TEST_PYTHON_PATH", "").split(":"):
        if folder and (pathlib.Path(folder) / (PACKAGE + ".libs")).is_dir():
            return pathlib.Path(folder) / (PACKAGE + ".libs")
    spec = importlib.util.find_spec(PACKAGE)
    folder = pathlib.Path(spec.origin).parents[1] / (PACKAGE + ".libs") if spec and spec.origin else None
    return folder if folder and folder.is_dir() else None


def build(folder):
    """Path of the program, or None."""
    libraries = find_libraries()
    if libraries is None or shutil.which("g++") is None:
        return None
    # The wheel's libraries name each other by the names in the wheel; all of them stand on the command line.
    names = [next(libraries.glob(pattern)) for pattern in ("libkaldi-lat-*", "libkaldi-base-*", "libfst-*")]
    program = pathlib.Path(folder) / "kaldi_lattice_copy"
    source = pathlib.Path(__file__).with_name("kaldi_lattice_copy.cc")
    subprocess.run(["g++", "-O1", "-D_GLIBCXX_USE_CXX11_ABI=0", source, "-o", program, *names,
                    f"-Wl,-rpath,{libraries}", f"-Wl,-rpath-link,{libraries}", "-Wl,--allow-shlib-undefined",
                    "-Wl,--disable-new-dtags"], check=True)
    return program


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = build(sys.argv[1])
    print(program if program else f"no g++ or no {PACKAGE}")
