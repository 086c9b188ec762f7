"""What is wrong is said with an exception of its own type, and never takes the process or other files with it."""
import array
import os
import pickle
import signal
import threading
import unittest

import skald
from module_support import SkaldTest, media, recognizer


class ErrorsTest(SkaldTest):
    def test_a_file_that_fails_disturbs_no_other(self):
        damaged = self.folder / "damaged.mp3"
        damaged.write_bytes(bytes(range(256)) * 40)
        results = recognizer().transcribe(["absent.wav", media()[0], damaged])
        self.assertIsInstance(results[0].error, skald.errors.NotFoundError)
        self.assertEqual(results[0].error.file, "absent.wav")
        self.assertEqual(results[0].transcripts, [])
        self.assertIsNone(results[1].error)
        self.assertIsInstance(results[2].error, skald.SkaldError)
        self.assertIn(str(damaged), str(results[2].error))
        with self.assertRaises(skald.errors.NotFoundError):
            recognizer().transcribe_file("absent.wav")

    def test_errors_survive_pickling(self):
        error = recognizer().transcribe(["absent.wav"])[0].error
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), str(again), again.file), (type(error), str(error), "absent.wav"))

    def test_bad_options(self):
        with self.assertRaisesRegex(TypeError, "bean"):
            skald.Recognizer(bean=12)
        with self.assertRaisesRegex(TypeError, "beam"):
            skald.Recognizer(beam="wide")
        with self.assertRaises(skald.errors.InvalidArgumentError):
            skald.Recognizer(precision="f12")
        with self.assertRaises(ValueError):  # so does the standard type
            skald.Recognizer(beam=-1.0)
        with self.assertRaises(skald.SkaldError):
            skald.Recognizer(model=self.folder)
        with self.assertRaises(TypeError):
            recognizer().transcribe("one path")
        with self.assertRaises(skald.errors.InvalidArgumentError):
            recognizer().transcribe_file(media()[0]).format("docx")

    def test_bad_samples(self):
        with self.assertRaisesRegex(skald.errors.InvalidArgumentError, "44100"):
            recognizer().transcribe_samples([array.array("f", [0.0])], sample_rate_hz=44100)
        for wrong in (array.array("d", [0.0]), array.array("h", [0]), b"bytes"):
            with self.assertRaisesRegex(TypeError, "float32"):
                recognizer().transcribe_samples([wrong])
        with self.assertRaises(TypeError):
            recognizer().transcribe_samples([[0.0, 0.1]])
        with self.assertRaisesRegex(ValueError, "not finite"):
            recognizer().transcribe_samples([array.array("f", [0.0, float("nan")])])
        self.assertEqual(recognizer().transcribe_samples([array.array("f", [0.0] * 16000)])[0].text, "")

    def test_an_exception_in_a_callback_ends_the_run_and_comes_out(self):
        def fail(_):
            raise ZeroDivisionError("on purpose")

        with self.assertRaisesRegex(ZeroDivisionError, "on purpose"):
            recognizer().transcribe(media() * 3, on_result=fail)

        def paths():
            yield media()[0]
            raise ZeroDivisionError("no more")

        with self.assertRaisesRegex(ZeroDivisionError, "no more"):
            recognizer().transcribe(paths())
        self.assertTrue(recognizer().transcribe_file(media()[0]).text)  # still works

    def test_control_c_ends_a_run(self):
        results = []
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            recognizer().transcribe(media() * 2000, on_result=results.append)
        self.assertLess(len(results), 2000)
        self.assertTrue(recognizer().transcribe_file(media()[0]).text)


if __name__ == "__main__":
    unittest.main()
