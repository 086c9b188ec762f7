"""The page of `skald report` in a headless browser: exit code 77 (skipped) where there is none."""
import re
import sys
import unittest

from headless_browser import Browser, find_browser
from report_samples import NASTY, ReportSamples

BROWSER = find_browser()
WORDS = "[...document.querySelectorAll('#transcript .word')]"
MEDIA = "document.getElementById('media')"
CTRL, SHIFT = 2, 8


def element(name):
    return f"document.getElementById('{name}')"


def luminance(colour):
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """As WCAG 2 defines it: 1 to 21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class ReportPageTest(ReportSamples):
    def show(self, *arguments):
        self.report(*arguments)
        browser = Browser(BROWSER)
        self.addCleanup(browser.close)
        browser.emulate(prefers_reduced_motion="reduce")  # nothing moves while it is looked at
        browser.open(self.out)
        return browser

    def assert_quiet(self, browser, *media):
        """Nothing on the console, nothing asked for but the page and the media."""
        self.assertEqual(browser.complaints, [])
        allowed = {self.out.resolve().as_uri(), "data:,", *media}
        self.assertLessEqual({url for url in browser.requests if not url.startswith("blob:")}, allowed)

    def media_url(self):
        return self.media.resolve().as_uri().replace("&", "%26")

    def wait_for_media(self, browser):
        browser.wait_for(f"{MEDIA}.readyState >= 1")

    def seek(self, browser, time):
        browser.evaluate(f"new Promise(done => {{ {MEDIA}.addEventListener('seeked', () => setTimeout(done, 0), {{once: true}});"
                         f"{MEDIA}.currentTime = {time}; }})")

    def current(self, browser):
        return browser.evaluate(f"{WORDS}.filter(w => w.getAttribute('aria-current') === 'true').map(w => w.textContent)")

    def focused(self, browser):
        return browser.evaluate("document.activeElement.id || document.activeElement.textContent")

    def test_transcript_follows_the_player(self):
        browser = self.show(self.talk)
        self.wait_for_media(browser)
        self.assertAlmostEqual(browser.evaluate(f"{MEDIA}.duration"), 12, delta=0.1)
        for time, expected in ((0.5, []), (1.6, ["COUNTRY"]), (1.9, ["COUNTRY"]), (2.6, ["STANDS"]), (5.0, []), (6.2, ["ALONE"])):
            self.seek(browser, time)
            self.assertEqual(self.current(browser), expected, time)
            self.assertIn(f"of 0:12.0", browser.evaluate(f"{element('position')}.getAttribute('aria-valuetext')"))
        # The highlight is on the screen, not only in the document.
        self.seek(browser, 1.6)
        accent = browser.evaluate("getComputedStyle(document.querySelector('#transcript [aria-current=true]')).backgroundColor")
        place = browser.evaluate("(r => [r.left, r.top, r.width, r.height].map(Math.round))"
                                 "(document.querySelector('#transcript [aria-current=true]').getBoundingClientRect())")
        _, _, rows = browser.screenshot()
        left, top, width, height = place
        box = [tuple(rows[y][3 * x:3 * x + 3]) for y in range(top, top + height) for x in range(left, left + width)]
        colour = tuple(int(part) for part in re.findall(r"\d+", accent)[:3])
        self.assertGreater(box.count(colour) / len(box), 0.5)

        browser.click(f"{WORDS}[3]")
        browser.wait_for(f"!{MEDIA}.paused && {MEDIA}.currentTime >= 2.5")
        self.assertEqual(browser.evaluate("player.position"), 2.5)
        browser.wait_for(f"{element('play')}.getAttribute('aria-label') === 'Pause'")
        browser.click(element("play"))
        browser.wait_for(f"{MEDIA}.paused && {element('play')}.getAttribute('aria-label') === 'Play'")
        browser.click("document.querySelectorAll('.segment-time')[1]")
        browser.wait_for(f"{MEDIA}.currentTime >= 6")
        self.assert_quiet(browser, self.media_url())

    def test_keyboard(self):
        browser = self.show("--hits", self.hits, self.talk)
        self.wait_for_media(browser)
        browser.press("Tab")
        self.assertEqual(self.focused(browser), "Skip to the transcript")
        self.assertGreaterEqual(browser.evaluate("document.activeElement.getBoundingClientRect().top"), 0)
        browser.press("Enter")
        browser.wait_for("document.activeElement.id === 'transcript'")
        browser.press("ArrowRight")
        self.assertEqual(self.focused(browser), "THE")
        browser.press("ArrowRight")
        self.assertEqual(self.focused(browser), "COUNTRY")
        # Alternatives come with the focus, are described to screen readers, and go with Escape.
        self.assertEqual(browser.evaluate("document.activeElement.getAttribute('aria-describedby')"), "word-tip")
        self.assertEqual(browser.evaluate(f"[...{element('word-tip')}.querySelectorAll('li')].map(li => li.innerText.replace(/\\s+/g, ' '))"),
                         ["COUNTY 25 %", "(no word) 13 %"])
        widths = browser.evaluate(f"[...{element('word-tip')}.querySelectorAll('.bar span')].map(b => b.getBoundingClientRect().width)")
        self.assertAlmostEqual(widths[0] / widths[1], 2, delta=0.1)
        browser.press("Escape")
        self.assertTrue(browser.evaluate(f"{element('word-tip')}.hidden"))
        for key, modifiers, expected in (("End", 0, "STANDS"), ("ArrowDown", 0, "ALONE"), ("End", CTRL, "COUNTRY"),
                                         ("ArrowRight", 0, "COUNTRY"), ("Home", 0, "ALONE"), ("ArrowUp", 0, "THE"),
                                         ("ArrowLeft", 0, "THE"), ("ArrowDown", 0, "ALONE"), ("Home", CTRL, "THE")):
            browser.press(key, modifiers)
            self.assertEqual(self.focused(browser), expected, key)
        browser.press("ArrowRight")
        browser.press("Enter")
        browser.wait_for(f"!{MEDIA}.paused && {MEDIA}.currentTime >= 1.5")
        browser.evaluate("document.activeElement.blur()")
        browser.press(" ")
        browser.wait_for(f"{MEDIA}.paused")
        browser.press(" ")
        browser.wait_for(f"!{MEDIA}.paused")
        # The transcript is one stop of the Tab key, and it is the last.
        self.assertEqual(browser.evaluate(f"{WORDS}.filter(w => w.tabIndex === 0).length"), 1)
        stops = []
        browser.evaluate("document.querySelector('.skip-link').focus()")
        for _ in range(30):
            browser.press("Tab")
            if browser.evaluate("document.activeElement === document.body"):
                break
            stops.append(self.focused(browser))
        self.assertEqual(stops[0], "search-text")
        self.assertEqual(stops.count("COUNTRY"), 1)
        for control in ("decided-only", "position", "play", "back", "forward", "speed", "follow", "shading"):
            self.assertIn(control, stops)
        # All that can be reached has a name.
        nameless = browser.evaluate(
            "[...document.querySelectorAll('button, input, select, summary, a, [tabindex]')].filter(e => !(e.textContent.trim() ||"
            " e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML)")
        self.assertEqual(nameless, [])
        self.assert_quiet(browser, self.media_url())

    def test_alternatives_on_hover(self):
        browser = self.show(self.talk)
        browser.point(f"{WORDS}[1]")
        browser.wait_for(f"!{element('word-tip')}.hidden")
        self.assertIn("62 % confident", browser.evaluate(f"{element('word-tip')}.textContent"))
        browser.point(element("word-tip"))  # it may be pointed at itself
        browser.evaluate("new Promise(done => setTimeout(done, 400))")
        self.assertFalse(browser.evaluate(f"{element('word-tip')}.hidden"))
        browser.point("document.querySelector('h1')")
        browser.wait_for(f"{element('word-tip')}.hidden")
        browser.point(f"{WORDS}[0]")
        browser.wait_for(f"!{element('word-tip')}.hidden")
        self.assertIn("No likely alternative", browser.evaluate(f"{element('word-tip')}.textContent"))
        self.assert_quiet(browser, self.media_url())

    def test_keyword_hits(self):
        browser = self.show("--hits", self.hits, self.talk, self.nasty)
        self.wait_for_media(browser)
        listed = "[...document.querySelectorAll('#keyword-list .place')]"
        self.assertEqual(browser.evaluate(f"{listed}.length"), 2)
        self.assertEqual(browser.evaluate(f"{element('keywords-status')}.textContent"),
                         "2 hits of 2 keywords; 1 hit in recordings that are not in this report")
        self.assertEqual(browser.evaluate(f"{WORDS}.filter(w => w.classList.contains('hit')).length"), 2)
        self.assertEqual(browser.evaluate(f"{element('marks')}.children.length"), 2)
        browser.click(element("decided-only"))
        self.assertEqual(browser.evaluate(f"{listed}.length"), 1)
        self.assertEqual(browser.evaluate(f"{element('marks')}.children.length"), 1)
        browser.click(element("decided-only"))
        # From another recording, a hit leads to its word, and plays from before it.
        browser.click("document.querySelectorAll('#recording-list button')[1]")
        self.assertEqual(browser.evaluate("document.querySelectorAll('#recording-list button')[1].getAttribute('aria-current')"), "true")
        browser.click(f"{listed}[1]")
        browser.wait_for(f"{MEDIA}.readyState >= 1 && {MEDIA}.currentTime >= 6")
        self.assertEqual(browser.evaluate(f"{element('recording-name')}.textContent"), self.media.name)
        self.assertEqual(self.focused(browser), "COUNTRY")
        self.assertEqual(browser.evaluate("document.activeElement.dataset.word"), "6")
        self.assert_quiet(browser, self.media_url())

    def test_search(self):
        browser = self.show(self.talk, self.nasty)
        self.wait_for_media(browser)
        status = f"{element('search-status')}.textContent"
        matches = f"{WORDS}.filter(w => w.classList.contains('match')).map(w => w.textContent)"
        for query, expected in (("cafe", "1 match"), ("coun", "3 matches"), ("untry", "No match"), ("  country   HOUSE", "1 match"),
                                ("house country", "No match"), ("<", "1 match")):
            browser.evaluate(f"{element('search-text')}.value = ''; {element('search-text')}.focus()")
            browser.type(query)
            self.assertEqual(browser.evaluate(status), expected, query)
        browser.evaluate(f"{element('search-text')}.value = ''")
        browser.type("country")
        self.assertEqual(browser.evaluate("document.querySelectorAll('#search-results .place').length"), 3)
        for expected, recording in (("1 of 3 matches", 0), ("2 of 3 matches", 0), ("3 of 3 matches", 1), ("1 of 3 matches", 0)):
            browser.press("Enter")
            self.assertEqual(browser.evaluate(status), expected)
            self.assertEqual(browser.evaluate(matches), ["COUNTRY"])
            self.assertEqual(browser.evaluate("[...document.querySelectorAll('#recording-list button')]"
                                              ".findIndex(b => b.getAttribute('aria-current') === 'true')"), recording)
        browser.click(element("search-previous"))
        self.assertEqual(browser.evaluate(status), "3 of 3 matches")
        browser.click("document.querySelectorAll('#search-results .place')[1]")
        self.assertEqual(browser.evaluate(status), "2 of 3 matches")
        browser.press("ArrowDown")
        self.assertTrue(browser.evaluate("document.activeElement === document.querySelectorAll('#search-results .place')[2]"))
        self.assert_quiet(browser, self.media_url())

    def test_names_and_words_are_text(self):
        browser = self.show("--title", NASTY, "--hits", self.hits, self.nasty)
        self.assertEqual(browser.evaluate("document.title"), NASTY)
        self.assertEqual(browser.evaluate(f"{WORDS}[0].textContent"), NASTY)
        browser.evaluate(f"{WORDS}[0].focus()")
        browser.evaluate(f"{element('search-text')}.focus()")
        browser.type("<")
        browser.press("Enter")
        for place in ("'.keyword .query'", "'#warnings .note'", "'#search-results mark'"):
            texts = browser.evaluate(f"[...document.querySelectorAll({place})].map(e => e.textContent)")
            self.assertTrue(any(NASTY in text for text in texts), place)
        self.assertIsNone(browser.evaluate("window.broken"))
        self.assertEqual(browser.evaluate("document.querySelectorAll('img, script').length"), 2)
        # Were a script to try and read text as HTML or as script, or to call out, it could not.
        for attempt in ("document.body.innerHTML += '<i>x</i>'", "document.body.setAttribute('onclick', 'window.broken = 3')",
                        "fetch('https://example.org/')"):
            refused = browser.evaluate(f"(async () => {{ try {{ await ({attempt}); return ''; }} catch (e) {{ return e.name; }} }})()")
            self.assertIn(refused, ("TypeError", "SecurityError"), attempt)
        self.assertTrue(any("Content Security Policy" in text for text in browser.complaints), browser.complaints)
        browser.complaints.clear()
        browser.requests = [url for url in browser.requests if "example.org" not in url]  # asked for, and blocked
        # Without media the transcript can still be walked through.
        self.assertIn("no media file", browser.evaluate(f"{element('media-note')}.textContent"))
        self.assertTrue(browser.evaluate(f"{element('play')}.disabled"))
        browser.click(f"{WORDS}[1]")
        self.assertEqual(self.current(browser), ["COUNTRY"])
        self.assertEqual(browser.evaluate("document.querySelectorAll('.segment-time small').length"), 2)
        self.assert_quiet(browser)

    def test_media_that_went_away(self):
        browser = self.show(self.talk)
        self.media.unlink()
        browser.complaints.clear()
        browser.open(self.out)
        browser.wait_for(f"!{element('media-note')}.hidden")
        self.assertIn("./media/talk%20%26%20more%20%231.wav cannot be played", browser.evaluate(f"{element('media-note')}.textContent"))
        browser.click(f"{WORDS}[1]")
        self.assertEqual(self.current(browser), ["COUNTRY"])

    def test_embedded_media_play(self):
        browser = self.show("--media", "embed", self.talk)
        self.media.unlink()
        browser.open(self.out)
        self.wait_for_media(browser)
        self.seek(browser, 6.6)
        self.assertEqual(self.current(browser), ["CAFÉ"])
        self.assert_quiet(browser)

    def test_shading_is_told_and_can_be_read(self):
        browser = self.show("--hits", self.hits, self.talk)
        self.wait_for_media(browser)
        classes = [["word"], ["word", "low-2"], ["word", "low-1"], ["word", "low-3"], ["word"], ["word"], ["word"]]
        self.assertEqual(browser.evaluate(f"{WORDS}.map(w => [...w.classList].filter(c => c !== 'hit'))"), classes)
        self.assertEqual(browser.evaluate("document.querySelectorAll('.legend li').length"), 5)
        self.seek(browser, 2.1)
        pages = []
        for scheme in ("light", "dark"):
            browser.emulate(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            pages.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            colours = browser.evaluate(
                "[...document.querySelectorAll('.word, .quiet, .place-head, .legend, .segment-time, .primary, h1, h2, summary, kbd')].map(e => {"
                " let at = e; while (getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') at = at.parentElement ?? document.body;"
                " return [e.className + ' ' + e.textContent.slice(0, 20), getComputedStyle(e).color, getComputedStyle(at).backgroundColor]; })")
            self.assertGreater(len(colours), 20)
            for name, text, background in colours:
                self.assertGreaterEqual(contrast(text, background), 4.5, (scheme, name, text, background))
            # Shades differ in lightness, and so for those who do not see colours.
            shades = browser.evaluate("['low-1', 'low-2', 'low-3'].map(c => getComputedStyle(document.querySelector('.legend .' + c)).backgroundColor)")
            steps = [luminance(shade) for shade in shades]
            self.assertEqual(steps, sorted(steps, reverse=scheme == "light"))
            for a, b in zip(shades, shades[1:]):
                self.assertGreater(contrast(a, b), 1.15)
        self.assertLess(luminance(pages[1]), luminance(pages[0]))
        self.assertEqual(browser.evaluate("getComputedStyle(document.querySelector('#transcript .word')).transitionDuration"), "0s")
        browser.click(element("shading"))
        self.assertEqual(browser.evaluate(f"getComputedStyle({WORDS}[3]).backgroundColor"), "rgba(0, 0, 0, 0)")
        # Nothing is wider than a small screen.
        browser.call("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=True)
        self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"), 360)
        self.assert_quiet(browser, self.media_url())


if __name__ == "__main__":
    if BROWSER is None:
        print("SKIPPED: no headless browser (apt: chromium-headless-shell)", file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
