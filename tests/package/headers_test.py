"""The installed headers: each compiles alone, without warnings, with nothing but the standard library and the install folder."""
import re
import subprocess
import unittest

from package_folders import CXX, HEADERS, PREFIX

# Headers of the C++ standard library have neither a slash nor an ending.
ALLOWED_INCLUDE = re.compile(r"#\s*include\s*<(skald/\w+\.h|[a-z_]+)>")


class HeadersTest(unittest.TestCase):
    def test_the_headers_that_users_include_are_there(self):
        names = {path.name for path in HEADERS}
        self.assertLessEqual({"recognizer.h", "options.h", "results.h", "live_session.h", "keyword_index.h", "keyword_indexer.h",
                              "output_format.h", "status.h", "version.h", "skald.h"}, names)
        installed = {path.name for path in (PREFIX / "include").iterdir()}
        self.assertEqual(installed, {"skald"})

    def test_no_other_library_is_included(self):
        for header in HEADERS:
            for line in header.read_text().splitlines():
                if re.match(r"\s*#\s*include", line):
                    self.assertTrue(ALLOWED_INCLUDE.fullmatch(line.strip()), "%s: %s" % (header.name, line))

    def test_each_compiles_alone_without_warnings(self):
        running = [(header, subprocess.Popen(
            [CXX, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only", "-I", str(PREFIX / "include"),
             "-x", "c++", "-"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)) for header in HEADERS]
        for header, process in running:
            _, errors = process.communicate("#include <skald/%s>\n#include <skald/%s>\n" % (header.name, header.name))
            self.assertEqual(process.returncode, 0, "%s: %s" % (header.name, errors[:2000]))


if __name__ == "__main__":
    unittest.main()
