"""A lexicon for a larger vocabulary: `lexicon.py BASE.txt[.gz] NEW_WORDS ACRONYMS SKALD BUNDLE > LEXICON`.

The base's lines, then the new words: acronyms by the names of their letters as well, the rest as `skald graph pronounce` guesses them.
"""
import gzip
import subprocess
import sys
import tempfile


def main():
    base_path, new_path, acronyms_path, skald, bundle = sys.argv[1:]
    opener = gzip.open if base_path.endswith(".gz") else open
    letters = {}
    with opener(base_path, "rt", encoding="utf-8") as file:
        for line in file:
            word, phones = line.rstrip("\n").split("\t")[:2]
            if len(word) == 1 and (word != "A" or phones == "EY"):
                letters[word] = phones
            print(line, end="")
    new = [line.split()[0] for line in open(new_path, encoding="utf-8")]
    acronyms = set(open(acronyms_path, encoding="utf-8").read().split())
    for word in new:
        if word in acronyms and all(letter in letters for letter in word):
            print("%s\t%s\tletters" % (word, " ".join(letters[letter] for letter in word)))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as words:
        words.write("".join(word + "\n" for word in new))
        words.flush()
        guesses = subprocess.run([skald, "graph", "pronounce", "--guesses", "2", "--model", bundle, "--pronunciations", base_path, words.name],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
    sys.stdout.write(guesses)


if __name__ == "__main__":
    main()
