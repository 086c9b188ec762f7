#!/usr/bin/env python3
"""Checks the architecture of the source tree; prints each violation with file and line.

usage: check_architecture.py PROJECT_FOLDER [COMPILER]    exit code 1 where a rule is broken
       check_architecture.py --self-test                  checks that each rule finds what breaks it

Rules: includes follow cli -> engine -> {frontend | models | decoder} -> kernels -> base, siblings never include each other,
output and scoring include base only, report includes scoring; every include of the project exists; each third-party library is included only where it
belongs; .cu files lie in kernels/, .cuh files are included by .cu and .cuh only; headers start with #pragma once; and, where a
compiler is given, headers outside kernels/ whose path does not name CUDA compile alone as plain C++20.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

# What each layer may include besides itself.
STAGES = ["frontend", "models", "decoder"]
ALLOWED = {
    "base": [],
    "kernels": ["base"],
    "frontend": ["kernels", "base"],
    "models": ["kernels", "base"],
    "decoder": ["kernels", "base"],
    "output": ["base"],
    "scoring": ["base"],
    "report": ["scoring", "base"],
    "engine": STAGES + ["kernels", "base"],
    "cli": ["engine", "output", "report", "scoring"] + STAGES + ["base"],
}
IN_SRC = {"base", "output", "report", "scoring", "engine", "cli"}

# Third-party headers and the only paths that may include them.
THIRD_PARTY = [
    ("FFmpeg", r"lib(av|sw)\w+/", r"frontend/media/"),
    ("OpenFst", r"fst/", r"decoder/"),
    ("oneDNN", r"(oneapi/)?dnnl", r"models/"),
    ("SentencePiece", r"sentencepiece", r"(models|decoder)/"),
    ("cuDNN, cuBLAS", r"(cudnn|cublas)", r"models/"),
    ("cuFFT, CUB", r"(cufft|cub/)", r"kernels/"),
    ("SQLite", r"sqlite3", r"src/base/sqlite"),
    ("CUDA", r"(cuda|nvrtc|mma\.h|cooperative_groups)", r"(kernels/|.*cuda)"),
    ("Boost.Program_options", r"boost/program_options", r"src/cli/"),
    ("GoogleTest", r"(gtest|gmock)/", r"tests/"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SOURCES = (".h", ".cc", ".cu", ".cuh", ".inl")


def layer_of(path):
    parts = path.split("/")
    name = parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]
    return name if name in ALLOWED else None


def source_files(root):
    """Paths of the layers' sources relative to `root`, sorted."""
    found = []
    for top in ["src", "kernels"] + STAGES:
        for folder, _, names in os.walk(os.path.join(root, top)):
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names if name.endswith(SOURCES)]
    return sorted(found)


def target_of(root, include):
    """The file of the project that an include written from the root or from src names; None for others."""
    for candidate in (include, "src/" + include):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def check_line(root, path, quote, include):
    """Violations of one include, as sentences."""
    layer = layer_of(path)
    target = target_of(root, include) if quote == '"' else None
    if target is None:
        first = include.split("/")[0]
        if first in ALLOWED or first == "src":
            return ["includes %s, which does not exist" % include]
        for library, header, place in THIRD_PARTY:
            if re.match(header, include):
                return [] if re.match(place, path) else ["includes %s (%s), which belongs in %s" % (include, library, place)]
        return ["includes %s neither from the root nor from src" % include] if quote == '"' else []
    found = []
    target_layer = layer_of(target)
    if target_layer is None:
        found.append("includes %s, which is in no layer" % include)
    elif target_layer != layer and target_layer not in ALLOWED[layer]:
        found.append("%s may not include %s (%s)" % (layer, target_layer, include))
    if target.startswith("src/") and include.startswith("src/"):
        found.append("includes %s: write it from src" % include)
    if target.endswith(".cuh") and not path.endswith((".cu", ".cuh")):
        found.append("only .cu files may include %s" % include)
    if target.endswith((".cc", ".cu")):
        found.append("includes a source file, %s" % include)
    return found


def read_violations(root):
    found = []
    for path in source_files(root):
        if layer_of(path) is None:
            found.append("%s: is in no layer" % path)
            continue
        if path.endswith((".cu", ".cuh")) and not path.startswith("kernels/"):
            found.append("%s: device code belongs in kernels/" % path)
        with open(os.path.join(root, path), encoding="utf-8") as file:
            lines = file.read().split("\n")
        if path.endswith((".h", ".cuh")) and not any(line.strip() == "#pragma once" for line in lines):
            found.append("%s: has no #pragma once" % path)
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                found += ["%s:%d: %s" % (path, number, what) for what in check_line(root, path, match[1], match[2])]
    return found


def compile_violations(root, compiler):
    """Headers that do not compile alone. Third-party headers must be in the compiler's own folders or CPLUS_INCLUDE_PATH."""
    headers = [path for path in source_files(root)
               if path.endswith(".h") and not path.startswith("kernels/") and "cuda" not in path]

    def compile_one(path, folder):
        unit = os.path.join(folder, re.sub(r"\W", "_", path) + ".cc")
        with open(unit, "w", encoding="utf-8") as file:
            file.write('#include "%s"\n' % path)
        run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-I", root, "-I", os.path.join(root, "src"), unit],
                             capture_output=True, text=True, check=False)
        errors = [line for line in run.stderr.split("\n") if "error" in line]
        return None if run.returncode == 0 else "%s: does not compile alone: %s" % (path, (errors or ["?"])[0])

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [result for result in pool.map(lambda path: compile_one(path, folder), headers) if result]


def self_test():
    files = {
        "src/base/a.h": "#pragma once\n#include <string>\n",
        "src/base/cuda/context.h": "#pragma once\n#include <cuda_runtime_api.h>\n",
        "kernels/k.h": '#pragma once\n#include "base/a.h"\n',
        "kernels/k.cuh": "#pragma once\n",
        "kernels/k.cu": '#include "kernels/k.h"\n#include "kernels/k.cuh"\n',
        "models/m.h": '#pragma once\n#include "kernels/k.h"\n',
        "models/m.cc": '#include "models/m.h"\n#include <oneapi/dnnl/dnnl.hpp>\n',
        "frontend/f.h": '#pragma once\n#include "base/a.h"\n',
        "src/engine/e.h": '#pragma once\n#include "models/m.h"\n#include "frontend/f.h"\n',
        "src/output/o.h": '#pragma once\n#include "base/a.h"\n',
        "src/cli/c.cc": '#include "engine/e.h"\n#include "output/o.h"\n',
    }
    broken = {
        "src/base/a.h": ['#include "kernels/k.h"\n', "#include <fst/fstlib.h>\n", '#include "base/absent.h"\n'],
        "kernels/k.h": ['#include "models/m.h"\n', '#include "src/base/a.h"\n'],
        "models/m.h": ['#include "frontend/f.h"\n', '#include "engine/e.h"\n', '#include "kernels/k.cuh"\n',
                       "#include <libavformat/avformat.h>\n", "#include <cuda_runtime.h>\n", '#include "kernels/k.cu"\n'],
        "src/output/o.h": ['#include "models/m.h"\n', '#include "engine/e.h"\n', "#include <boost/program_options.hpp>\n"],
        "src/engine/e.h": ['#include "output/o.h"\n', '#include "m.h"\n'],
    }

    def check(tree, compiler=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return read_violations(root) + (compile_violations(root, compiler) if compiler else [])

    assert check(files) == [], check(files)
    for path, lines in broken.items():
        for line in lines:
            found = check({**files, path: files[path] + line})
            assert len(found) == 1, "%s in %s: %s" % (line, path, found)
    assert check({**files, "models/x.cu": ""}) == ["models/x.cu: device code belongs in kernels/"]
    assert check({**files, "models/x.h": ""}) == ["models/x.h: has no #pragma once"]
    assert len(check({**files, "models/x.h": "#pragma once\nstd::string x;\n"}, "c++")) == 1
    assert check(files, "c++") == []


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = os.path.abspath(sys.argv[1])
    found = read_violations(root)
    if len(sys.argv) > 2:
        found += compile_violations(root, sys.argv[2])
    for violation in found:
        print(violation)
    print("%d files, %d violations" % (len(source_files(root)), len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
