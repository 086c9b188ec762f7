// Search in the words of all recordings, keyword hits, the list of recordings: everything that leads to a place.

const LISTED_AT_MOST = 300;  // matches in the list at most; all are counted

/** A button that leads to a place of a recording. */
function placeButton(recording, time, context, go, extra = "") {
  const head = [make("span", { textContent: clock(time) })];
  if (extra !== "") head.push(make("span", { textContent: extra }));
  const parts = [make("span", { className: "place-head" }, head)];
  if (report.recordings.length > 1) parts.unshift(make("span", { className: "place-name", textContent: report.recordings[recording].name }));
  parts.push(make("span", { className: "place-text" }, context));
  const button = make("button", { type: "button", className: "place" }, parts);
  button.addEventListener("click", go);
  return make("li", {}, [button]);
}

/** Words around a match, the match itself marked. */
function contextOf(words, first, last, around) {
  const text = (from, to) => words.slice(Math.max(0, from), Math.max(0, to)).map((word) => word.text).join(" ");
  const before = text(first - around, first), after = text(last + 1, last + 1 + around);
  const parts = [make("mark", { textContent: text(first, last + 1) })];
  if (before !== "") parts.unshift(`… ${before} `);
  if (after !== "") parts.push(` ${after} …`);
  return parts;
}

const findings = {
  shown: -1,     // recording on show
  matches: [],   // of the search: {recording, first, last}, numbers of words
  match: -1,     // the one that was gone to
  texts: null,   // of all recordings, folded, each with its words and where they begin

  showRecording(index) {
    if (this.shown === index) return;
    this.shown = index;
    const recording = report.recordings[index];
    transcript.show(recording);
    byId("recording-name").textContent = recording.name;
    const known = transcript.words.all.filter((word) => word.confidence !== null);
    const mean = known.reduce((sum, word) => sum + word.confidence, 0) / known.length;
    const facts = [clock(recording.duration), counted(transcript.words.all.length, "word", "words")];
    if (known.length > 0) facts.push(`mean confidence ${percent(mean)}`);
    if (recording.model !== "") facts.push(recording.model);
    byId("recording-facts").textContent = facts.join(" · ");
    byId("warnings").replaceChildren(...recording.warnings.map(([time, what]) =>
      make("p", { className: "note", textContent: `At ${clock(time)}: ${what}` })));
    [...byId("recording-list").querySelectorAll("button")].forEach((button, i) =>
      button.setAttribute("aria-current", i === index ? "true" : "false"));
    player.show(recording);
    this.markHits();
    this.markMatch();
  },

  hitsOnShow() {
    const decidedOnly = byId("decided-only").checked;
    return report.searches.flatMap((search) => search.hits).filter((hit) =>
      hit.recording === this.shown && (hit.decision || !decidedOnly));
  },
  markHits() {
    transcript.mark("hit", this.hitsOnShow().flatMap((hit) => transcript.words.within(hit.channel, hit.start, hit.end)));
    this.markTimeline();
  },
  markTimeline() {
    player.mark(this.hitsOnShow().map((hit) => hit.start));
  },
  markMatch() {
    const match = this.matches[this.match];
    const here = match !== undefined && match.recording === this.shown;
    transcript.mark("match", here ? transcript.words.all.slice(match.first, match.last + 1) : []);
  },

  goToHit(hit) {
    this.showRecording(hit.recording);
    player.playFrom(hit.play);
    const words = transcript.words.within(hit.channel, hit.start, hit.end);
    if (words.length > 0) transcript.focus(words[0]);
  },

  goToMatch(index) {
    this.match = (index + this.matches.length) % this.matches.length;
    const match = this.matches[this.match];
    this.showRecording(match.recording);
    this.markMatch();
    const word = transcript.words.all[match.first];
    player.seek(word.start);
    transcript.setStop(word);
    reveal(word.element, "center");
    this.tellMatches();
    [...byId("search-results").querySelectorAll("button")].forEach((button, i) =>
      button.setAttribute("aria-current", i === this.match ? "true" : "false"));
  },

  tellMatches() {
    const count = this.matches.length;
    const which = this.match >= 0 ? `${this.match + 1} of ` : "";
    const text = count === 0 ? "No match" : which + counted(count, "match", "matches");
    byId("search-status").textContent = byId("search-text").value.trim() === "" ? "" : text;
  },

  search(query) {
    if (this.texts === null) {
      this.texts = report.recordings.map((recording) => {
        const words = new Words(recording).all, starts = [];
        let text = "";
        for (const word of words) {
          starts.push(text.length);
          text += ` ${folded(word.text)}`;
        }
        return { words, starts, text };
      });
    }
    const wanted = folded(query).trim().replace(/\s+/g, " ");
    this.matches = [];
    this.match = -1;
    const listed = [];
    this.texts.forEach(({ words, starts, text }, recording) => {
      const pattern = ` ${wanted}`;
      for (let at = wanted === "" ? -1 : text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
        const first = lastAtMost(starts, at), last = lastAtMost(starts, at + pattern.length - 1);
        const index = this.matches.length;
        this.matches.push({ recording, first, last });
        if (index < LISTED_AT_MOST) {
          listed.push(placeButton(recording, words[first].start, contextOf(words, first, last, 4), () => this.goToMatch(index)));
        }
      }
    });
    byId("search-results").replaceChildren(...listed);
    for (const id of ["search-previous", "search-next"]) byId(id).disabled = this.matches.length === 0;
    this.markMatch();
    this.tellMatches();
  },

  listKeywords() {
    const decidedOnly = byId("decided-only").checked;
    let hits = 0, elsewhere = 0;
    const lists = report.searches.map((search) => {
      const wanted = search.hits.filter((hit) => hit.decision || !decidedOnly);
      hits += wanted.length;
      elsewhere += search.elsewhere;
      const places = wanted.map((hit) => placeButton(hit.recording, hit.start, [hit.context], () => this.goToHit(hit), `score ${hit.score.toFixed(2)}`));
      const box = make("details", { className: "keyword", open: report.searches.length <= 3 }, [
        make("summary", {}, [make("span", { className: "query", textContent: search.query }),
                             make("span", { className: "count", textContent: counted(wanted.length, "hit", "hits") })])]);
      if (places.length > 0) box.append(make("ol", { className: "places", "aria-label": `Hits of ${search.query}` }, places));
      else box.append(make("p", { className: "quiet", textContent: search.tried === "" ? "Not found." : `Not found: ${search.tried}` }));
      return box;
    });
    byId("keyword-list").replaceChildren(...lists);
    const outside = elsewhere === 0 ? "" : `; ${counted(elsewhere, "hit", "hits")} in recordings that are not in this report`;
    byId("keywords-status").textContent = `${counted(hits, "hit", "hits")} of ${counted(report.searches.length, "keyword", "keywords")}${outside}`;
  },

  listRecordings() {
    byId("recording-list").replaceChildren(...report.recordings.map((recording, index) => {
      const words = recording.segments.reduce((sum, segment) => sum + segment.words.length, 0);
      const button = make("button", { type: "button", className: "place" }, [
        make("span", { className: "place-name", textContent: recording.name }),
        make("span", { className: "place-head" }, [make("span", { textContent: clock(recording.duration) }),
                                                   make("span", { textContent: counted(words, "word", "words") })])]);
      button.addEventListener("click", () => this.showRecording(index));
      return make("li", {}, [button]);
    }));
  },
};

byId("search-text").addEventListener("input", (event) => findings.search(event.target.value));
byId("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (findings.matches.length > 0) findings.goToMatch(findings.match + 1);
});
byId("search-previous").addEventListener("click", () => findings.goToMatch(Math.max(findings.match, 0) - 1));
byId("decided-only").addEventListener("change", () => {
  findings.listKeywords();
  findings.markHits();
});
for (const list of [byId("search-results"), byId("recording-list"), byId("keyword-list")]) {
  list.addEventListener("keydown", (event) => {  // arrow keys move within a list of places
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const places = [...list.querySelectorAll("details[open] .place, :scope > li > .place")];
    const at = places.indexOf(document.activeElement);
    if (step === undefined || at < 0) return;
    places[Math.min(Math.max(at + step, 0), places.length - 1)].focus();
    event.preventDefault();
  });
}

{
  const seconds = report.recordings.reduce((sum, recording) => sum + recording.duration, 0);
  byId("summary").textContent = `${counted(report.recordings.length, "recording", "recordings")}, ${clock(seconds)}`;
  const searched = report.searches.length > 0;
  byId("keywords").hidden = !searched;
  byId("decided-choice").hidden = !report.searches.some((search) => search.hits.some((hit) => !hit.decision));
  document.querySelector(".keyword-legend").hidden = !searched;
  byId("recordings").hidden = report.recordings.length < 2;
  if (searched) findings.listKeywords();
  findings.listRecordings();
  findings.showRecording(0);
}
