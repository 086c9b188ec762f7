"""The type stubs name what the module has, member by member."""
import ast
import pathlib
import unittest

import skald
from skald import _native


def public(names):
    return {name for name in names if not name.startswith("_") or name == "__version__"}


class StubsTest(unittest.TestCase):
    def test_stubs_and_module_agree(self):
        text = (pathlib.Path(skald.__file__).parent / "_native.pyi").read_text()
        tree = ast.parse(text)
        stubs = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        lists = {"Words", "WordAlternatives", "Alternatives", "Warnings", "Segments", "SkippedSpans"}  # typing.Sequence in the stubs
        self.assertEqual(set(stubs) | {"__version__"}, public(dir(_native)) - lists)
        for name, node in stubs.items():
            if isinstance(node, ast.ClassDef):
                members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                self.assertEqual(public(members), public(vars(getattr(_native, name))), name)

    def test_every_option_is_in_the_stubs(self):
        text = (pathlib.Path(skald.__file__).parent / "_native.pyi").read_text()
        recognizer = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "Recognizer")
        init = next(item for item in recognizer.body if item.name == "__init__")
        for argument in init.args.kwonlyargs:
            with self.assertRaises((TypeError, ValueError, skald.SkaldError)) as caught:
                skald.Recognizer(**{argument.arg: object(), "model": "/nonexistent"})
            self.assertNotIn("is no option", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
