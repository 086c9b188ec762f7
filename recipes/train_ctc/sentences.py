"""Sentences drawn from an ARPA language model: text to speak where there is no more transcribed speech."""
import bisect
import gzip
import itertools
import math


class SentenceSampler:
    """Draws sentences from a back-off n-gram model. Read-only once made, apart from the random generator of each call.

    An n-gram's own probability is used where it is listed; what is left of a history's mass goes to the shorter history,
    without the words listed above it: that is the distribution which the file defines (Katz back-off), drawn by rejection.
    unigram_exponent below 1 flattens the last level, so that rare words are practised too.
    """

    def __init__(self, path, unigram_exponent=0.75):
        self._continuations = {}  # history -> (words, cumulative probabilities)
        unigrams = []
        for words, log10 in _ngrams(path):
            *history, word = words
            if word in ("<s>", "<unk>"):
                continue
            if history:
                listed, cumulative = self._continuations.setdefault(tuple(history), ([], []))
                listed.append(word)
                cumulative.append((cumulative[-1] if cumulative else 0.0) + 10**log10)
            elif word != "</s>":
                unigrams.append((word, 10 ** (log10 * unigram_exponent)))
        if not unigrams:
            raise ValueError(f"{path}: no words")
        self._words = [word for word, _ in unigrams]
        self._mass = list(itertools.accumulate(mass for _, mass in unigrams))
        self._order = max(map(len, self._continuations), default=0) + 1

    def next_word(self, history, random):
        """A word after the history (a tuple of words, longer than the model's order at will), or "</s>"."""
        history = tuple(history[max(0, len(history) - self._order + 1) :])
        seen = set()
        while history:
            listed, cumulative = self._continuations.get(history, ((), ()))
            draw = random.random()
            while listed and draw < cumulative[-1]:
                word = listed[bisect.bisect_right(cumulative, draw)]
                if word not in seen:
                    return word
                draw = random.random()
            seen.update(listed)
            history = history[1:]
        while True:
            word = self._words[bisect.bisect_right(self._mass, random.random() * self._mass[-1] * (1 - 1e-12))]
            if word not in seen:
                return word

    def sentence(self, random, fewest=4, most=35):
        """A list of fewest to most words. Shorter draws are thrown away, longer ones are cut."""
        while True:
            words = []
            while len(words) < most and (word := self.next_word(("<s>", *words), random)) != "</s>":
                words.append(word)
            if len(words) >= fewest:
                return words


def word_probabilities(path):
    """{word: unigram probability} of an ARPA file, without <s>, </s> and <unk>."""
    unigrams = itertools.takewhile(lambda entry: len(entry[0]) == 1, _ngrams(path))
    return {words[0]: 10**log10 for words, log10 in unigrams if not words[0].startswith("<")}


def _ngrams(path):
    """([words], log10 probability) of each n-gram of an ARPA file, plain or gzip."""
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        order = 0
        for number, line in enumerate(file, 1):
            if line.startswith("\\"):
                order = int(line[1]) if line[1].isdigit() else 0
            elif order and line.strip():
                fields = line.rstrip("\n").split("\t")
                words = fields[1].split(" ") if len(fields) > 1 else []
                if len(words) != order or not math.isfinite(float(fields[0])):
                    raise ValueError(f"{path}:{number}: not an entry of order {order}")
                yield words, float(fields[0])
