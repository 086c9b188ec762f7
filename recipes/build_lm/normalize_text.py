"""Running text in the style of the language models: `normalize_text.py < TEXT > SENTENCES [--acronyms FILE]`.

A sentence a line, upper case, letters and apostrophes only: compounds with hyphens are split, numbers spelled out (with PyPI num2words; without
it, sentences with numbers are left out). Sentences that hold what nobody says as it is written (paths, addresses, options) are left
out. Words of two to five capitals go to the file of acronyms.
"""
import argparse
import re
import sys

try:
    from num2words import num2words
except ImportError:
    num2words = None

SENTENCE_END = re.compile(r"(?<=[.!?:;])[\"')\u201d\u2019]*\s+(?=[\"'(\u201c\u2018]*[A-Z])")
UNSPEAKABLE = re.compile(r"[/\\@_=<>|*#~^{}\[\]$%&+]|\w\.\w|--|\d[A-Za-z]|[A-Za-z]\d")
NUMBER = re.compile(r"\d+(?:,\d{3})*$")


def spoken_number(text):
    value = int(text.replace(",", ""))
    if num2words is None or value >= 10**9:
        return None
    kind = "year" if len(text) == 4 and 1100 <= value < 2100 else "cardinal"
    return re.sub(r"[^a-z]+", " ", num2words(value, to=kind)).upper().split()


def words_of(sentence, acronyms):
    """The words as they are spoken, or None."""
    words = []
    text = sentence.replace("\u2019", "'").replace("\u2018", "'")
    for token in re.split(r"[\s\u2013\u2014-]+", text):
        token = token.strip("\"'().,;:!?\u201c\u201d\u2026")
        if not token:
            continue
        if NUMBER.match(token):
            number = spoken_number(token)
            if number is None:
                return None
            words += number
            continue
        if not re.fullmatch(r"[A-Za-z]+(?:'[A-Za-z]+)*'?", token):
            return None
        if re.fullmatch(r"[A-Z]{2,5}", token):
            acronyms.add(token)
        words.append(token.upper())
    return words


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--acronyms", help="file for words of two to five capitals")
    arguments.add_argument("--keep-written", action="store_true", help="after a tab, the sentence as it was written")
    arguments = arguments.parse_args()
    acronyms = set()
    for line in sys.stdin:
        for sentence in SENTENCE_END.split(line.strip()):
            if UNSPEAKABLE.search(sentence):
                continue
            found = set()
            words = words_of(sentence, found)
            if words is not None and len(words) >= 2:
                acronyms |= found
                print(" ".join(words) + ("\t" + sentence if arguments.keep_written else ""))
    if arguments.acronyms:
        with open(arguments.acronyms, "w", encoding="utf-8") as file:
            file.writelines(word + "\n" for word in sorted(acronyms))


if __name__ == "__main__":
    main()
