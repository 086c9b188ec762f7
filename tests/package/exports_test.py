"""The symbols that the shared library offers are those that its headers declare: not one more, not one less."""
import os
import re
import unittest

from package_folders import HEADERS, check_output, library

SYMBOL = re.compile(r"[0-9a-f]+ ([A-Za-z]) (skald::.*)")
# Private parts of public classes.
PRIVATE = re.compile(r"::State\b|ProcessorTime|\[clone|\{lambda")


def symbols(nm_output, kinds):
    found = set()
    for line in nm_output.splitlines():
        match = SYMBOL.fullmatch(line)
        if match and match[1] in kinds and not PRIVATE.search(match[2]):
            found.add(match[2])
    return found


def declared_names():
    """Names of the classes and functions that the installed headers declare with definitions elsewhere."""
    text = "\n".join(header.read_text() for header in HEADERS)
    text = re.sub(r"//.*", "", text)
    classes = set(re.findall(r"^(?:class|struct)(?: \[\[nodiscard\]\])? (\w+)(?= \{)", text, re.M))
    functions = set(re.findall(r"^[\w:<>&*\[\] ,]*?\b(\w+)\(", text, re.M))
    return classes, functions


class ExportsTest(unittest.TestCase):
    def setUp(self):
        self.exported = symbols(check_output("nm", "-D", "-C", "--defined-only", library()), "TVBRDWu")
        self.classes, self.functions = declared_names()

    def is_declared(self, symbol):
        parts = re.sub(r"[(\[].*", "", symbol).split("::")[1:]
        return parts[0] in self.classes if len(parts) > 1 else parts[0] in self.functions or parts[0] == "kVersion"

    def test_everything_exported_is_declared(self):
        self.assertGreater(len(self.exported), 40)
        self.assertEqual(sorted(symbol for symbol in self.exported if not self.is_declared(symbol)), [])
        everything = check_output("nm", "-D", "-C", "--defined-only", library()).splitlines()
        self.assertEqual([line for line in everything if "skald::" not in line], [])

    def test_everything_declared_is_exported(self):
        defined = symbols(check_output("nm", "-C", "--defined-only", *os.environ["ARCHIVES"].split(":")), "TDRB")
        missing = sorted(symbol for symbol in defined if self.is_declared(symbol) and symbol not in self.exported)
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
