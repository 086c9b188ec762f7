"""Several threads share a recognizer, and others run while it works."""
import threading
import time
import unittest

from module_support import SkaldTest, media, recognizer


class ThreadsTest(SkaldTest):
    def test_calls_from_several_threads_take_turns(self):
        expected = {str(path): recognizer().transcribe_file(path).text for path in media()}
        heard, lock = [], threading.Lock()

        def work(path):
            for _ in range(3):
                text = recognizer().transcribe_file(path).text
                with lock:
                    heard.append((str(path), text))

        threads = [threading.Thread(target=work, args=(path,)) for path in media() * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(heard), 3 * len(threads))
        for path, text in heard:
            self.assertEqual(text, expected[path])

    def test_other_threads_run_meanwhile(self):
        done = threading.Event()
        longest_wait = [0.0]

        def watch():
            last = time.monotonic()
            while not done.is_set():
                time.sleep(0.005)
                now = time.monotonic()
                longest_wait[0] = max(longest_wait[0], now - last)
                last = now

        thread = threading.Thread(target=watch)
        thread.start()
        started = time.monotonic()
        recognizer().transcribe(media() * 5)
        took = time.monotonic() - started
        done.set()
        thread.join()
        # A call that kept the lock would stop the other thread for its whole length.
        self.assertLess(longest_wait[0], max(0.5 * took, 0.1))


if __name__ == "__main__":
    unittest.main()
