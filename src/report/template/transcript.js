// The words of the recording on show: shading, moving from word to word by keyboard, the alternatives of a word.

/** A word: text, start, end [s], confidence (null: not known), alternatives [[text, posterior], ...], its place, its element. */
class Words {
  constructor(recording) {
    this.all = [];
    this.segments = [];  // first and last word of each segment that has words
    this.channels = new Map();
    recording.segments.forEach((segment) => {
      if (segment.words.length === 0) return;
      const first = this.all.length;
      for (const [text, start, end, confidence, alternatives] of segment.words) {
        const word = { text, start, end, confidence, alternatives: alternatives ?? [], index: this.all.length,
                       segment: this.segments.length, channel: segment.channel, element: null };
        this.all.push(word);
        if (!this.channels.has(segment.channel)) this.channels.set(segment.channel, []);
        this.channels.get(segment.channel).push(word);
      }
      this.segments.push([first, this.all.length - 1]);
    });
    for (const words of this.channels.values()) words.sort((a, b) => a.start - b.start);
    this.starts = new Map([...this.channels].map(([channel, words]) => [channel, words.map((word) => word.start)]));
  }

  /** The word of each channel that is said at that time. A word counts until the next begins, but not long beyond its end. */
  at(time) {
    const found = [];
    for (const [channel, words] of this.channels) {
      const index = lastAtMost(this.starts.get(channel), time);
      if (index >= 0 && time < words[index].end + 0.6) found.push(words[index]);
    }
    return found;
  }

  /** Words of the channel that overlap a span of time. */
  within(channel, start, end) {
    return (this.channels.get(channel) ?? []).filter((word) => word.start < end && word.end > start);
  }
}

function shade(confidence) {
  if (confidence === null || confidence >= 0.9) return "";
  return confidence >= 0.7 ? "low-1" : confidence >= 0.5 ? "low-2" : "low-3";
}

const transcript = {
  box: byId("transcript"),
  recording: null,
  words: new Words({ segments: [] }),
  stop: null,     // the one word that the Tab key reaches
  current: [],    // the words that are said now

  show(recording) {
    wordTip.hide();
    this.recording = recording;
    this.words = new Words(recording);
    this.current = [];
    this.stop = null;
    const severalChannels = new Set(recording.segments.map((segment) => segment.channel)).size > 1;
    let next = 0;
    const segments = recording.segments.map((segment) => {
      const time = make("button", { type: "button", className: "segment-time", textContent: clock(segment.start),
                                    "aria-label": `Play from ${clock(segment.start)}`, "data-time": segment.start });
      if (severalChannels) time.append(make("small", { textContent: `Channel ${segment.channel + 1}` }));
      const text = make("p");
      if (segment.words.length === 0) text.textContent = segment.text;
      for (let i = 0; i < segment.words.length; ++i) {
        const word = this.words.all[next++];
        word.element = make("span", { className: `word ${shade(word.confidence)}`.trimEnd(), textContent: word.text, tabIndex: -1,
                                      role: "button", "aria-roledescription": "word", "data-word": word.index });
        text.append(i === 0 ? "" : " ", word.element);
      }
      const odd = severalChannels && segment.channel % 2 === 1;
      return make("div", { className: odd ? "segment channel-odd" : "segment" }, [time, text]);
    });
    this.box.replaceChildren(...segments);
    if (segments.length === 0) this.box.append(make("p", { className: "empty", textContent: "No speech was found." }));
    if (this.words.all.length > 0) this.setStop(this.words.all[0]);
  },

  setStop(word) {
    if (this.stop !== null) this.stop.element.tabIndex = -1;
    this.stop = word;
    word.element.tabIndex = 0;
  },

  focus(word) {
    this.setStop(word);
    word.element.focus({ preventScroll: true });
    reveal(word.element, "nearest");
  },

  /** Marks the words said at that time; scrolls to the first where that is asked for. */
  follow(time, scroll) {
    const said = this.words.at(time);
    if (said.length === this.current.length && said.every((word, i) => word === this.current[i])) return;
    for (const word of this.current) word.element.removeAttribute("aria-current");
    for (const word of said) word.element.setAttribute("aria-current", "true");
    this.current = said;
    if (!scroll || said.length === 0) return;
    const place = said[0].element.getBoundingClientRect();
    const top = byId("play").getBoundingClientRect().bottom;
    if (place.top < top || place.bottom > window.innerHeight - 40) reveal(said[0].element, "center");
  },

  /** Puts a class on these words and takes it off all others. */
  mark(className, words) {
    for (const element of this.box.querySelectorAll(`.${className}`)) element.classList.remove(className);
    for (const word of words) word.element.classList.add(className);
  },

  wordOf(target) {
    const element = target instanceof Element ? target.closest("#transcript [data-word]") : null;
    return element === null ? null : this.words.all[Number(element.dataset.word)];
  },

  /** The word that a key leads to from this one; null where the key means nothing here. */
  destination(word, event) {
    const last = this.words.all.length - 1;
    const [first, end] = this.words.segments[word.segment];
    const segment = (step) => this.words.segments[Math.min(Math.max(word.segment + step, 0), this.words.segments.length - 1)][0];
    const index = {
      ArrowLeft: word.index - 1, ArrowRight: word.index + 1, ArrowUp: segment(-1), ArrowDown: segment(1),
      Home: event.ctrlKey ? 0 : first, End: event.ctrlKey ? last : end,
    }[event.key];
    return index === undefined ? null : this.words.all[Math.min(Math.max(index, 0), last)];
  },
};

/** What is known of a word, beside it: shown while the word or this is pointed at, or the word has the focus. */
const wordTip = {
  box: byId("word-tip"),
  word: null,
  timer: 0,

  show(word) {
    this.cancel();
    if (this.word === word) return;
    this.hide();
    this.word = word;
    const sure = word.confidence === null ? "" : `${percent(word.confidence)} confident · `;
    const parts = [make("strong", { textContent: word.text }),
                   make("span", { className: "quiet", textContent: `${sure}${clock(word.start)} to ${clock(word.end)}` })];
    if (word.alternatives.length > 0) {
      parts.push(make("ul", { "aria-label": "It may also have been" }, word.alternatives.map(([text, posterior]) => {
        const bar = make("span");
        bar.style.width = `${100 * posterior}%`;
        return make("li", {}, [make("span", { className: "other", textContent: text === "" ? "(no word)" : text }),
                               make("span", { className: "bar", "aria-hidden": "true" }, [bar]),
                               make("span", { className: "share", textContent: percent(posterior) })]);
      })));
    } else {
      const why = transcript.recording.has_alternatives ? "No likely alternative." : "Alternatives were not kept.";
      parts.push(make("p", { className: "quiet", textContent: why }));
    }
    this.box.replaceChildren(...parts);
    this.box.hidden = false;
    word.element.setAttribute("aria-describedby", "word-tip");
    const place = word.element.getBoundingClientRect(), size = this.box.getBoundingClientRect();
    const below = place.bottom + 8 + size.height <= window.innerHeight;
    const left = Math.min(Math.max(place.left, 16), document.documentElement.clientWidth - size.width - 16);
    this.box.style.left = `${left + window.scrollX}px`;
    this.box.style.top = `${(below ? place.bottom + 8 : place.top - size.height - 8) + window.scrollY}px`;
  },

  hide() {
    this.cancel();
    if (this.word !== null) this.word.element.removeAttribute("aria-describedby");
    this.word = null;
    this.box.hidden = true;
  },

  /** Time to move the pointer over the tip. */
  after(milliseconds, action) {
    this.cancel();
    this.timer = setTimeout(action, milliseconds);
  },
  cancel() {
    clearTimeout(this.timer);
  },
};

transcript.box.addEventListener("click", (event) => {
  if (!window.getSelection().isCollapsed) return;  // text is being selected, to be copied
  const word = transcript.wordOf(event.target);
  const segment = event.target.closest("[data-time]");
  if (word !== null) {
    transcript.setStop(word);
    player.playFrom(word.start);
  } else if (segment !== null) {
    player.playFrom(Number(segment.dataset.time));
  }
});

transcript.box.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey) return;
  let word = transcript.wordOf(event.target);
  if (word === null) {
    if (event.target === transcript.box && event.key.startsWith("Arrow") && transcript.stop !== null) {
      transcript.focus(transcript.stop);
      event.preventDefault();
    }
    return;
  }
  if (event.key === "Enter" || event.key === " ") {
    player.playFrom(word.start);
  } else {
    word = transcript.destination(word, event);
    if (word === null) return;
    transcript.focus(word);
  }
  event.preventDefault();
});

transcript.box.addEventListener("focusin", (event) => {
  const word = transcript.wordOf(event.target);
  if (word === null) return;
  transcript.setStop(word);
  wordTip.show(word);
});
transcript.box.addEventListener("focusout", () => wordTip.hide());
transcript.box.addEventListener("mouseover", (event) => {
  const word = transcript.wordOf(event.target);
  if (word !== null) wordTip.after(wordTip.word === null ? 150 : 50, () => wordTip.show(word));
});
transcript.box.addEventListener("mouseout", () => wordTip.after(250, () => wordTip.hide()));
wordTip.box.addEventListener("mouseenter", () => wordTip.cancel());
wordTip.box.addEventListener("mouseleave", () => wordTip.after(250, () => wordTip.hide()));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") wordTip.hide();
});
byId("shading").addEventListener("change", (event) => {
  transcript.box.classList.toggle("unshaded", !event.target.checked);
});
