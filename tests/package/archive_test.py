"""`cpack` makes an archive that runs wherever it is unpacked."""
import json
import os
import pathlib
import tarfile
import tempfile
import unittest

from package_folders import BUILD, PROJECT, check_output

CPACK = str(pathlib.Path(os.environ["CMAKE"]).with_name("cpack"))


class ArchiveTest(unittest.TestCase):
    def test_the_unpacked_archive_transcribes(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            check_output(CPACK, "-G", "TGZ", "-B", folder, cwd=BUILD)
            archive = next(folder.glob("*.tar.gz"))
            with tarfile.open(archive) as file:
                file.extractall(folder)
            root = next(path for path in folder.glob("skald-*") if path.is_dir())
            skald = next(root.rglob("bin/skald"))
            environment = {name: value for name, value in os.environ.items() if name != "SKALD_MODEL"}
            doctor = check_output(skald, "doctor", cwd=folder, env=environment)
            self.assertIn(str(root.resolve()), doctor)  # the model is the archive's own
            transcript = json.loads(check_output(skald, "transcribe", "--vad", "silero", "--format", "json",
                                                 next((PROJECT / "corpora" / "samples").glob("*.mp3")), cwd=folder, env=environment))
            self.assertTrue(transcript["segments"])


if __name__ == "__main__":
    unittest.main()
