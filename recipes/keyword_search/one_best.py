#!/usr/bin/env python3
"""Keyword search in 1-best transcripts, to compare an index with: exact word sequences in CTM files.

usage: one_best.py KEYWORDS.tsv SECONDS_OF_AUDIO CTM... > KWSLIST.xml

A hit's score is the product of the words' confidences, mapped by each keyword's own threshold as `skald search` does it.
"""
import collections
import os
import sys
from xml.sax.saxutils import quoteattr

BETA = 999.9


def main():
    keywords = [line.rstrip("\n").split("\t") for line in open(sys.argv[1], encoding="utf-8")]
    seconds = float(sys.argv[2])
    by_first = collections.defaultdict(list)
    for number, (_, text) in enumerate(keywords):
        words = text.upper().split()
        by_first[words[0]].append((number, words))
    hits = collections.defaultdict(list)
    for path in sys.argv[3:]:
        name = os.path.splitext(os.path.basename(path))[0]
        lines = [line.split() for line in open(path, encoding="utf-8") if not line.startswith(";;")]
        texts = [line[4].upper() for line in lines]
        for i, text in enumerate(texts):
            for number, words in by_first.get(text, ()):
                if texts[i:i + len(words)] != words:
                    continue
                score = 1.0
                for line in lines[i:i + len(words)]:
                    score *= float(line[5])
                last = lines[i + len(words) - 1]
                start = float(lines[i][2])
                hits[number].append((name, start, float(last[2]) + float(last[3]) - start, score))
    print('<?xml version="1.0" encoding="UTF-8"?>\n<kwslist kwlist_filename="" language="" system_id="one-best">')
    for number, (keyword, _) in enumerate(keywords):
        print("  <detected_kwlist kwid=%s search_time=\"0\" oov_count=\"0\">" % quoteattr(keyword))
        total = sum(hit[3] for hit in hits[number])
        threshold = BETA * total / (seconds + (BETA - 1) * total)
        for name, start, duration, score in hits[number]:
            mapped = (1 - threshold) * score
            mapped /= mapped + (1 - score) * threshold or 1
            print('    <kw file=%s channel="1" tbeg="%.3f" dur="%.3f" score="%.6f" decision="%s"/>'
                  % (quoteattr(name), start, duration, mapped, "YES" if score >= threshold else "NO"))
        print("  </detected_kwlist>")
    print("</kwslist>")


if __name__ == "__main__":
    main()
