"""Turns text into the units of a bundle's heads: letters, sub-words, phones. Unit 0 is blank."""
import gzip
import json
import pathlib
import re

import sentencepiece

MARKER = "\u2581"  # opens a word in sub-word units


def words_of(text):
    """Upper-case words of letters and apostrophes; digits are not spelled out: such text is no training text."""
    return re.findall(r"[A-Z']*[A-Z][A-Z']*", text.upper().replace("\u2019", "'"))


def has_digits(text):
    return bool(re.search(r"\d", text))


def read_table(path):
    """Symbols of a unit table (`SYMBOL ID` a line), by id."""
    pairs = [line.rsplit(" ", 1) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
    table = {int(number): symbol for symbol, number in pairs}
    if sorted(table) != list(range(len(table))):
        raise ValueError(f"{path}: ids are not 0 to {len(table) - 1}")
    return [table[i] for i in range(len(table))]


class Units:
    """The heads of a bundle. Not changed after construction."""

    def __init__(self, bundle, heads):
        bundle = pathlib.Path(bundle)
        known = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
        self.symbols, self._encode = {}, {}
        for head in heads:
            if head not in known["heads"]:
                raise ValueError(f"{bundle}/bundle.json: no head {head}")
            entry = known["heads"][head]
            self.symbols[head] = symbols = read_table(bundle / entry["units_file"])
            numbers = {symbol: i for i, symbol in enumerate(symbols)}
            if "word_separator" in entry:
                self._encode[head] = _letters(numbers, entry["word_separator"])
            elif "sentencepiece" in entry:
                self._encode[head] = _sub_words(bundle / entry["sentencepiece"])
            else:
                self._encode[head] = _phones(numbers, bundle / known["pronunciations"])

    def encode(self, head, words):
        """Unit numbers of words; None where one of them cannot be written in this head's units."""
        return self._encode[head](words)

    def sizes(self):
        return {head: len(symbols) for head, symbols in self.symbols.items()}

    def text(self, head, numbers):
        """Words of letters or sub-words; phones with spaces between."""
        symbols = [self.symbols[head][number] for number in numbers]
        if any(MARKER in symbol for symbol in self.symbols[head]):
            return " ".join("".join(symbols).replace(MARKER, " ").split())
        if "|" in self.symbols[head]:
            return " ".join("".join(symbols).replace("|", " ").split())
        return " ".join(symbols)


def _letters(numbers, separator):
    def encode(words):
        letters = separator.join(words)
        return None if any(letter not in numbers for letter in letters) else [numbers[letter] for letter in letters]

    return encode


def _sub_words(path):
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return lambda words: model.encode(" ".join(words))


def _phones(numbers, path):
    """The first pronunciation that the table has for a word."""
    pronunciations = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            word, phones = line.rstrip("\n").split("\t")[:2]
            pronunciations.setdefault(word, phones)

    def encode(words):
        if any(word not in pronunciations for word in words):
            return None
        return [numbers[phone] for word in words for phone in pronunciations[word].split()]

    return encode
