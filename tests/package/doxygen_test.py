"""Doxygen reads the installed headers without a warning: everything public is documented."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from package_folders import PREFIX, PROJECT


class DoxygenTest(unittest.TestCase):
    def test_no_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(["doxygen", "-"], input=(PROJECT / "docs" / "Doxyfile").read_text() + """
                INPUT = %s
                STRIP_FROM_PATH = %s
                OUTPUT_DIRECTORY = %s
                """ % (PREFIX / "include" / "skald", PREFIX / "include", folder),
                                 cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
            self.assertEqual(run.stderr, "")
            self.assertEqual(run.returncode, 0)
            pages = {path.name for path in pathlib.Path(folder, "html").iterdir()}
            self.assertIn("classskald_1_1Recognizer.html", pages)
            self.assertIn("structskald_1_1RecognizerOptions.html", pages)


if __name__ == "__main__":
    if shutil.which("doxygen") is None:
        print("skipped: doxygen is not installed")
        sys.exit(77)
    unittest.main()
