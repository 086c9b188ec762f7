"""The wheel, made against the installed package, works by itself: library and model are inside."""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = next((PROJECT / "corpora" / "samples").glob("*.mp3"))
PROGRAM = """
import skald, sys
assert "site" in skald.__file__, skald.__file__
assert "site" in skald.default_model(), skald.default_model()
print(skald.Recognizer(device="cpu").transcribe_file(sys.argv[1]).format("txt"), end="")
"""


class WheelTest(unittest.TestCase):
    def test_the_wheel_transcribes(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
            subprocess.run([*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", folder,
                            "--config-settings=cmake.define.CMAKE_PREFIX_PATH=" + os.environ["PREFIX"], PROJECT / "python"],
                           check=True, cwd=folder)
            wheel = next(folder.glob("skald-*.whl"))
            subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel], check=True)
            environment = {key: value for key, value in os.environ.items() if key != "SKALD_MODEL"}
            environment["PYTHONPATH"] = str(folder / "site")
            said = subprocess.run([sys.executable, "-c", PROGRAM, str(SAMPLE)], stdout=subprocess.PIPE, text=True, check=True,
                                  cwd=folder, env=environment).stdout
            expected = subprocess.run([os.environ["SKALD"], "transcribe", "--device", "cpu", SAMPLE], stdout=subprocess.PIPE,
                                      text=True, check=True).stdout
            self.assertTrue(said)
            self.assertEqual(said, expected)


if __name__ == "__main__":
    for module in ("pip", "scikit_build_core"):
        if importlib.util.find_spec(module) is None:
            print("skipped: %s is not installed" % module)
            sys.exit(77)
    unittest.main()
