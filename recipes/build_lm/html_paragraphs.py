"""Paragraphs of HTML documents as plain text, one a line: `html_paragraphs.py FILE... > TEXT`.

A paragraph is a `p` or a `div` of class "para" (DocBook's); what stands in `pre` is left out.
"""
import html.parser
import pathlib
import sys


class Paragraphs(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.open = []  # for each open element: the paragraph it starts, or None
        self.pre = 0

    def handle_starttag(self, tag, attributes):
        if tag in ("br", "img", "hr", "link", "meta", "input"):
            return
        starts = tag == "p" or (tag == "div" and dict(attributes).get("class") == "para")
        self.open.append((tag, [] if starts else None))
        self.pre += tag == "pre"

    def handle_endtag(self, tag):
        while self.open:
            ended, text = self.open.pop()
            self.pre -= ended == "pre"
            if text is not None:
                line = " ".join("".join(text).split())
                if line:
                    self.found.append(line)
            if ended == tag:
                return

    def handle_data(self, data):
        if self.pre:
            return
        for _, text in reversed(self.open):
            if text is not None:
                text.append(data)
                return


def main():
    for path in sys.argv[1:]:
        parser = Paragraphs()
        parser.feed(pathlib.Path(path).read_text(encoding="utf-8"))
        parser.close()
        for line in parser.found:
            print(line)


if __name__ == "__main__":
    main()
