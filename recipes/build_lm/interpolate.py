"""Interpolates two back-off models into one: `interpolate.py BASE.arpa[.gz] DOMAIN.arpa[.gz] OUT.arpa.gz --tune SENTENCES | --weight W`.

The result lists every n-gram that either lists, with p(w | h) = (1 - W) p_base(w | h) + W p_domain(w | h), and back-off weights that make each history
sum to one (as SRILM's static mixtures do). A word that only one model knows has probability 0 in the other. With --tune, W is the one
that makes the sentences likeliest, by expectation maximisation.
"""
import argparse
import gzip
import math
import sys

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"


def open_text(path, mode):
    return gzip.open(path, mode + "t", encoding="utf-8") if str(path).endswith(".gz") else open(path, mode, encoding="utf-8")


class Model:
    """An ARPA model: probabilities and back-off weights by n-gram (a tuple of words), as plain numbers."""

    def __init__(self, path):
        self.probability, self.backoff, self.order = {}, {}, 0
        with open_text(path, "r") as file:
            for line in file:
                line = line.strip()
                if line.startswith("\\") and line.endswith("-grams:"):
                    self.order = int(line[1:line.index("-")])
                elif self.order > 0 and line and not line.startswith("\\"):
                    fields = line.split()
                    ngram = tuple(self.name(word) for word in fields[1:1 + self.order])
                    if len(fields) not in (1 + self.order, 2 + self.order) or len(ngram) != self.order:
                        sys.exit("%s: not an n-gram of order %d: %s" % (path, self.order, line))
                    self.probability[ngram] = 10.0 ** float(fields[0])
                    if len(fields) == 2 + self.order and float(fields[-1]) != 0:
                        self.backoff[ngram] = 10.0 ** float(fields[-1])
        if self.order == 0:
            sys.exit("%s: no n-grams" % path)
        self.probability[(BEGIN,)] = 0.0

    @staticmethod
    def name(word):
        return UNKNOWN if word in ("<UNK>", "<unk>") else word

    def of(self, history, word):
        """p(word | history)"""
        scale = 1.0
        history = history[max(0, len(history) - self.order + 1):]
        while True:
            listed = self.probability.get(history + (word,))
            if listed is not None:
                return scale * listed
            if not history:
                return 0.0
            scale *= self.backoff.get(history, 1.0)
            history = history[1:]


def tune(base, domain, path):
    """The weight of the domain's model that makes the sentences likeliest."""
    pairs = []
    with open_text(path, "r") as file:
        for line in file:
            history = (BEGIN,)
            for word in line.split() + [END]:
                pair = (base.of(history, word), domain.of(history, word))
                if max(pair) > 0:
                    pairs.append(pair)
                history += (word,)
    if not pairs:
        sys.exit("%s: no words to tune on" % path)
    weight = 0.5
    for _ in range(50):
        weight = sum(weight * d / ((1 - weight) * b + weight * d) for b, d in pairs) / len(pairs)
    weight = min(max(weight, 0.01), 0.99)  # what only one of them knows shall stay possible
    perplexity = math.exp(-sum(math.log((1 - weight) * b + weight * d) for b, d in pairs) / len(pairs))
    alone = math.exp(-sum(math.log(max(b, 1e-12)) for b, _ in pairs if b > 0) / max(1, sum(b > 0 for b, _ in pairs)))
    print("weight of the domain %.3f; perplexity of %d words %.1f (base alone, without words that it lacks, %.1f)"
          % (weight, len(pairs), perplexity, alone))
    return weight


def mixed(base, domain, weight):
    ngrams = [set() for _ in range(max(base.order, domain.order))]
    for model in (base, domain):
        for ngram in model.probability:
            ngrams[len(ngram) - 1].add(ngram)
    # Histories must be listed where something follows them.
    for order in range(len(ngrams) - 1, 0, -1):
        ngrams[order - 1].update(ngram[:-1] for ngram in ngrams[order])
    result = Model.__new__(Model)
    result.order, result.probability, result.backoff = len(ngrams), {}, {}
    for order, listed in enumerate(ngrams, 1):
        kept, left = {}, {}  # by history: listed probability, and what the shorter history gives to the same words
        for ngram in listed:
            history, word = ngram[:-1], ngram[-1]
            p = (1 - weight) * base.of(history, word) + weight * domain.of(history, word)
            result.probability[ngram] = p
            if order > 1:
                kept[history] = kept.get(history, 0.0) + p
                left[history] = left.get(history, 0.0) + result.of(history[1:], word)
        for history in kept:
            rest, shorter = max(0.0, 1 - kept[history]), max(1e-12, 1 - left[history])
            result.backoff[history] = max(rest / shorter, 1e-12)
    return result


def write(model, path):
    by_order = [[] for _ in range(model.order)]
    for ngram in model.probability:
        by_order[len(ngram) - 1].append(ngram)
    with open_text(path, "w") as file:
        file.write("\\data\\\n")
        for order, ngrams in enumerate(by_order, 1):
            file.write("ngram %d=%d\n" % (order, len(ngrams)))
        for order, ngrams in enumerate(by_order, 1):
            file.write("\n\\%d-grams:\n" % order)
            for ngram in sorted(ngrams):
                p = model.probability[ngram]
                line = "%.6f\t%s" % (math.log10(p) if p > 0 else -99, " ".join(ngram))
                if ngram in model.backoff:
                    line += "\t%.6f" % math.log10(model.backoff[ngram])
                file.write(line + "\n")
        file.write("\n\\end\\\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("base", "domain", "out"):
        arguments.add_argument(name)
    how = arguments.add_mutually_exclusive_group(required=True)
    how.add_argument("--tune", metavar="SENTENCES")
    how.add_argument("--weight", type=float)
    arguments = arguments.parse_args()
    base, domain = Model(arguments.base), Model(arguments.domain)
    weight = arguments.weight if arguments.tune is None else tune(base, domain, arguments.tune)
    if not 0 < weight < 1:
        sys.exit("the weight %s is not between 0 and 1" % weight)
    write(mixed(base, domain, weight), arguments.out)


if __name__ == "__main__":
    main()
