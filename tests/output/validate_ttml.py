#!/usr/bin/env python3
"""Checks TTML files against the rules of TTML1 that Skald's output must obey; prints each violation.

usage: validate_ttml.py FILE...     exit code 1 where a rule is broken
       validate_ttml.py --self-test checks that broken documents are found

Rules (W3C Timed Text Markup Language 1, third edition): well-formed XML in UTF-8; every element and attribute in a TTML
namespace and allowed where it stands (5.3, 7.1, 8.1, 9.1, 12.1); root tt with a non-empty xml:lang (7.1.1); head before body,
each at most once; in head metadata, styling, layout in this order (7.1.2); xml:id unique, references to style, region and
ttm:agent resolve and have the right kind; begin and end are clock times (10.3.1) with begin < end; character data only in p,
span, ttm:title and ttm:name.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

TT, TTP, TTS, TTM = ("http://www.w3.org/ns/ttml" + part for part in ("", "#parameter", "#styling", "#metadata"))
XML = "http://www.w3.org/XML/1998/namespace"
CONFIDENCE = "{urn:skald:metadata}confidence"  # attributes of other namespaces are allowed (3.1): those of Skald are checked too
CLOCK_TIME = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d|60)(\.\d+)?$")


def tt(name):
    return "{%s}%s" % (TT, name)


def ttm(name):
    return "{%s}%s" % (TTM, name)


CHILDREN = {
    tt("tt"): [tt("head"), tt("body")],
    tt("head"): [tt("metadata"), tt("styling"), tt("layout")],
    tt("metadata"): [ttm("title"), ttm("desc"), ttm("copyright"), ttm("agent")],
    ttm("agent"): [ttm("name")],
    tt("styling"): [tt("metadata"), tt("style")],
    tt("layout"): [tt("metadata"), tt("region")],
    tt("body"): [tt("metadata"), tt("div")],
    tt("div"): [tt("metadata"), tt("div"), tt("p")],
    tt("p"): [tt("metadata"), tt("span"), tt("br")],
    tt("span"): [tt("metadata"), tt("span"), tt("br")],
}
ORDERED_ONCE = {tt("tt"), tt("head")}
TEXT = {tt("p"), tt("span"), ttm("title"), ttm("desc"), ttm("copyright"), ttm("name")}
TIMED = {tt("body"), tt("div"), tt("p"), tt("span")}
COMMON = {"{%s}id" % XML, "{%s}lang" % XML, "{%s}space" % XML}
STYLES = {"{%s}%s" % (TTS, name) for name in (
    "backgroundColor color direction display displayAlign extent fontFamily fontSize fontStyle fontWeight lineHeight opacity "
    "origin overflow padding showBackground textAlign textDecoration textOutline unicodeBidi visibility wrapOption "
    "writingMode zIndex").split()}
PARAMETERS = {"{%s}%s" % (TTP, name) for name in (
    "cellResolution clockMode dropMode frameRate frameRateMultiplier markerMode pixelAspectRatio profile subFrameRate "
    "tickRate timeBase").split()}
CONTENT = {"begin", "end", "dur", "style", "region", ttm("agent"), ttm("role")} | STYLES
ATTRIBUTES = {
    tt("tt"): PARAMETERS | {"{%s}extent" % TTS},
    tt("style"): {"style"} | STYLES,
    tt("region"): {"begin", "end", "dur", "style", ttm("role")} | STYLES,
    tt("br"): STYLES | {"style"},
    ttm("agent"): {"type"},
    ttm("name"): {"type"},
    **{element: CONTENT for element in TIMED},
    tt("p"): CONTENT | {CONFIDENCE},
}
VALUES = {
    "{%s}timeBase" % TTP: {"media", "smpte", "clock"},
    "{%s}textAlign" % TTS: {"left", "center", "right", "start", "end"},
    "{%s}displayAlign" % TTS: {"before", "center", "after"},
}


def seconds(text):
    match = CLOCK_TIME.match(text)
    return None if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(match[4] or 0)


def violations(data):
    """The broken rules of a document given as bytes, as sentences."""
    try:
        data.decode("utf-8")
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        return ["not well-formed: %s" % error]
    found = []
    if root.tag != tt("tt"):
        return ["the root is %s, not tt" % root.tag]
    if not re.match(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", root.get("{%s}lang" % XML, "")):
        found.append("tt has no proper xml:lang")
    kinds = {}
    for element in root.iter():
        identifier = element.get("{%s}id" % XML)
        if identifier is None:
            continue
        if identifier in kinds:
            found.append("xml:id %s is not unique" % identifier)
        if not re.match(r"[A-Za-z_][A-Za-z0-9_.-]*$", identifier):
            found.append("xml:id %s is no name" % identifier)
        kinds[identifier] = element.tag
    for element in root.iter():
        name = element.tag.split("}")[-1]
        allowed = CHILDREN.get(element.tag, [])
        children = [child.tag for child in element]
        for child in children:
            if child not in allowed:
                found.append("%s may not hold %s" % (name, child))
        if element.tag in ORDERED_ONCE:
            places = [allowed.index(child) for child in children if child in allowed]
            if places != sorted(set(places)):
                found.append("children of %s are out of order or repeated" % name)
        if element.tag not in TEXT:
            texts = [element.text or ""] + [child.tail or "" for child in element]
            if any(text.strip() for text in texts):
                found.append("%s may not hold text" % name)
        for attribute, value in element.attrib.items():
            if attribute not in COMMON | ATTRIBUTES.get(element.tag, set()):
                found.append("%s may not have %s" % (name, attribute))
            if attribute in VALUES and value not in VALUES[attribute]:
                found.append("%s=%s is no value of it" % (attribute, value))
            kind = {"style": tt("style"), "region": tt("region"), ttm("agent"): ttm("agent")}.get(attribute)
            for reference in value.split() if kind else []:
                if kinds.get(reference) != kind:
                    found.append("%s=%s refers to nothing of this kind" % (attribute, reference))
            if attribute in ("begin", "end") and seconds(value) is None:
                found.append("%s=%s is no clock time" % (attribute, value))
        if not 0 <= float(element.get(CONFIDENCE, "0")) <= 1:
            found.append("confidence %s is not in 0 to 1" % element.get(CONFIDENCE))
        begin, end = seconds(element.get("begin", "")), seconds(element.get("end", ""))
        if element.tag == tt("p") and (begin is None or end is None):
            found.append("p without begin and end")
        elif begin is not None and end is not None and begin >= end:
            found.append("%s ends at %s, before it begins" % (name, element.get("end")))
    return found


def self_test():
    good = ('<tt xmlns="%s" xmlns:ttm="%s" xml:lang="en"><head><metadata><ttm:title>x</ttm:title></metadata><styling>'
            '<style xml:id="s"/></styling></head><body style="s"><div><p begin="00:00:01.5" end="100:00:02">a<br/>b</p>'
            '</div></body></tt>' % (TT, TTM))
    assert violations(good.encode()) == [], violations(good.encode())
    for old, new in (("</p>", ""), ("xml:lang", "xml:space"), ('style="s"', 'style="t"'), ("00:00:01.5", "1:00"),
                     ("00:00:01.5", "100:00:02"), ("<div>", "<div>text"), ("<br/>", "<hr/>"), (TT + '"', TT + '2"'),
                     ("<body", "<body end='00:00:01' begin='00:00:02'"), ("<div>", "<div class='x'>"), ("a<br", "\x01<br"),
                     ("<styling>", "<layout/><styling>"), ('<p begin="00:00:01.5"', "<p"), ("<p ", "<p xml:id='s' ")):
        broken = good.replace(old, new)
        assert broken != good and violations(broken.encode()), "not found: %s -> %s" % (old, new)


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    broken = 0
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            for violation in violations(file.read()):
                print("%s: %s" % (path, violation))
                broken += 1
    return 1 if broken or len(sys.argv) == 1 else 0


if __name__ == "__main__":
    sys.exit(main())
