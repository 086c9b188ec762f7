#!/usr/bin/env python3
"""Turns keywords.json (see the README) into ID<TAB>TEXT lists: all, word, phrase, oov_word, absent.

usage: keyword_lists.py KEYWORDS.json FOLDER
"""
import collections
import json
import os
import sys


def main():
    lists = collections.defaultdict(list)
    for keyword in json.load(open(sys.argv[1], encoding="utf-8"))["keywords"]:
        for name in ("all", keyword["type"]):
            lists[name].append("%s\t%s\n" % (keyword["id"], keyword["text"]))
    for name, lines in lists.items():
        with open(os.path.join(sys.argv[2], name + ".tsv"), "w", encoding="utf-8") as file:
            file.writelines(lines)


if __name__ == "__main__":
    main()
