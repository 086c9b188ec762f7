#!/usr/bin/env python3
"""Chooses weights and parameters of `skald combine` that give the fewest word errors on the tuning speakers.

usage: tune.py SKALD METHOD REFERENCE WORDS[,WORDS...] SYSTEM...    prints the chosen options in one line, progress on standard error

Coordinate search from equal weights and the default parameters: each parameter in turn takes the best of its values, until a
round changes nothing. Of equal error rates the earlier value stays.
"""
import pathlib
import subprocess
import sys
import tempfile

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
SCALES = (0.3, 0.4, 0.5, 0.7, 1.0)


def parameters(method, systems):
    """Name, first value and other values of what the search may change."""
    found = [(("weight", k), 1.0, WEIGHTS) for k in range(systems)]
    if method in ("mbr", "cnc"):
        found += [(("scale", k), 0.5, SCALES) for k in range(systems)]
    if method == "rover":
        found += [("--alpha", 1.0, (0.0, 0.2, 0.4, 0.6, 0.8)), ("--null-confidence", 0.0, (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8))]
    if method == "cnc":
        found += [("--null-scale", 1.0, (0.7, 0.85, 1.2, 1.5))]
    return found


def options_of(method, values, systems):
    options = ["--method", method, "--weights", ",".join("%g" % values["weight", k] for k in range(systems))]
    if method in ("mbr", "cnc"):
        options += ["--scales", ",".join("%g" % values["scale", k] for k in range(systems))]
    for name, value in values.items():
        if isinstance(name, str):
            options += [name, "%g" % value]
    return options


def word_errors(skald, options, reference, words, systems, folder):
    """Word error rate of one combination, in percent."""
    out = pathlib.Path(folder) / "out.ctm"
    with open(out, "w") as file:
        tables = [argument for table in words.split(",") for argument in ("--words", table)]
        subprocess.run([skald, "combine", *tables, "--format", "ctm", *options, *systems], stdout=file,
                       stderr=subprocess.DEVNULL, check=True)
    report = subprocess.run([skald, "score", "wer", "--reference", reference, "--hypothesis", out, "--confusions", "0"],
                            capture_output=True, text=True, check=True).stdout
    return float(report.split()[1])


def main():
    skald, method, reference, words, *systems = sys.argv[1:]
    count = len(systems)
    search = parameters(method, count)
    values = {name: first for name, first, _ in search}
    tried = {}
    with tempfile.TemporaryDirectory() as folder:
        def errors(candidate):
            if not any(candidate["weight", k] for k in range(count)):
                return 1000.0
            options = options_of(method, candidate, count)
            key = " ".join(options)
            if key not in tried:
                tried[key] = word_errors(skald, options, reference, words, systems, folder)
                print("%.2f %s" % (tried[key], key), file=sys.stderr, flush=True)
            return tried[key]

        best = errors(values)
        # Each system alone: the search never ends worse than any of them.
        for k in range(count):
            alone = values | {("weight", j): float(j == k) for j in range(count)}
            if errors(alone) < best:
                best, values = errors(alone), alone
        changed = True
        while changed:
            changed = False
            for name, _, others in search:
                for value in others:
                    candidate = values | {name: value}
                    if errors(candidate) < best:
                        best, values, changed = errors(candidate), candidate, True
    print(" ".join(options_of(method, values, count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
