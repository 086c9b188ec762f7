// Plays the media file of the recording; without one, the position can still be moved over the transcript.

const player = {
  media: byId("media"),
  playable: false,  // the browser has the file
  position: 0,      // [s], where there is no file to ask
  duration: 0,
  url: "",          // of embedded media

  show(recording) {
    this.media.pause();
    if (this.url !== "") URL.revokeObjectURL(this.url);
    this.url = "";
    this.playable = false;
    this.position = 0;
    this.duration = recording.duration;
    this.media.hidden = true;
    if (recording.media === null) {
      this.media.removeAttribute("src");
      this.media.load();
      this.explain("This report has no media file for this recording.");
    } else {
      this.explain("");
      this.media.src = recording.media.embedded === undefined ? recording.media.url : this.embedded(recording.media);
    }
    byId("position").max = Math.max(this.duration, 0.01);
    byId("duration").textContent = clock(this.duration);
    for (const id of ["play", "speed"]) byId(id).disabled = recording.media === null;
    this.drawStrip();
    this.moved();
  },

  embedded(media) {
    const bytes = Uint8Array.from(atob(byId(media.embedded).textContent), (character) => character.charCodeAt(0));
    this.url = URL.createObjectURL(new Blob([bytes], { type: media.type }));
    return this.url;
  },

  explain(text) {
    byId("media-note").textContent = text;
    byId("media-note").hidden = text === "";
  },

  now() {
    return this.playable ? this.media.currentTime : this.position;
  },

  seek(time) {
    this.position = Math.min(Math.max(time, 0), this.duration);
    if (this.playable) this.media.currentTime = this.position;
    this.moved();
  },

  playFrom(time) {
    this.seek(time);
    if (this.playable) this.media.play().catch(() => {});  // a browser may refuse to play; the position stays
  },

  toggle() {
    if (!this.playable) return;
    if (this.media.paused) this.media.play().catch(() => {});
    else this.media.pause();
  },

  /** Brings the page to the present position. */
  moved() {
    const now = this.now();
    byId("time").textContent = clock(now);
    byId("position").value = now;
    byId("position").setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.duration)}`);
    transcript.follow(now, byId("follow").checked && !this.media.paused);
  },

  /** The recording at a glance: where words are, in colours of their confidence. */
  drawStrip() {
    const canvas = byId("strip");
    const width = Math.max(1, canvas.clientWidth * window.devicePixelRatio | 0);
    canvas.width = width;
    canvas.height = 1;
    const colour = getComputedStyle(document.documentElement);
    const context = canvas.getContext("2d");
    const columns = new Map();  // column to the least confidence in it
    for (const word of transcript.words.all) {
      const last = Math.min(width - 1, Math.ceil(word.end / this.duration * width));
      for (let x = Math.floor(word.start / this.duration * width); x <= last; ++x) {
        columns.set(x, Math.min(columns.get(x) ?? 1, word.confidence ?? 1));
      }
    }
    for (const [x, confidence] of columns) {
      context.fillStyle = colour.getPropertyValue(["--speech", shade(confidence)].filter(Boolean).join("-"));
      context.fillRect(x, 0, 1, 1);
    }
  },

  mark(times) {
    byId("marks").replaceChildren(...times.map((time) => {
      const mark = make("span");
      mark.style.left = `${100 * time / this.duration}%`;
      return mark;
    }));
  },
};

function eachFrame() {
  player.moved();
  if (!player.media.paused) requestAnimationFrame(eachFrame);
}

player.media.addEventListener("loadedmetadata", () => {
  player.playable = true;
  if (Number.isFinite(player.media.duration)) player.duration = player.media.duration;
  player.media.hidden = player.media.videoWidth === 0;
  player.media.playbackRate = Number(byId("speed").value);
  byId("position").max = player.duration;
  byId("duration").textContent = clock(player.duration);
  if (player.position > 0) player.media.currentTime = player.position;
  player.drawStrip();
  findings.markTimeline();
});
player.media.addEventListener("error", () => {
  if (!player.media.hasAttribute("src")) return;
  player.playable = false;
  for (const id of ["play", "speed"]) byId(id).disabled = true;
  const name = transcript.recording.media.url ?? "The embedded file";
  player.explain(`${name} cannot be played here: it is not where it was when the report was made, or this browser does not know its format.`);
});
for (const event of ["play", "pause"]) {
  player.media.addEventListener(event, () => {
    const paused = player.media.paused;
    byId("play").dataset.state = paused ? "paused" : "playing";
    byId("play").setAttribute("aria-label", paused ? "Play" : "Pause");
    eachFrame();
  });
}
player.media.addEventListener("seeked", () => player.moved());
player.media.addEventListener("timeupdate", () => player.moved());
byId("play").addEventListener("click", () => player.toggle());
byId("back").addEventListener("click", () => player.seek(player.now() - 5));
byId("forward").addEventListener("click", () => player.seek(player.now() + 5));
byId("position").addEventListener("input", (event) => player.seek(Number(event.target.value)));
byId("speed").addEventListener("change", (event) => { player.media.playbackRate = Number(event.target.value); });
document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("button, input, select, summary, a, [role=button]");
  if (event.key !== " " || busy !== null || event.ctrlKey || event.altKey || event.metaKey) return;
  player.toggle();
  event.preventDefault();
});
window.addEventListener("resize", () => player.drawStrip());
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => player.drawStrip());
