// The player of paths as an element of the page: see scanlab/view/player.py for what it shows.

import { MARKUP, mountPlayer } from "/scanlab/player_source.js";
import { keep } from "/scanlab/static/page.js";

// Milliseconds of stillness before a change of the view is sent: turning a volume is many changes.
const REST_MS = 250;

export default {
  template: `<div class="player" ref="root"></div>`,
  emits: ["step", "colour", "view"],
  mounted() {
    const { root } = this.$refs;
    root.innerHTML = MARKUP;
    root.addEventListener("step", (event) => this.$emit("step", event.detail));
    root.addEventListener("colour", ({ detail }) => this.$emit("colour", { value: detail, turn: keep("colour", detail) }));
    root.addEventListener("view", this.viewed);
    // Other parts of the page link to it: see linked.js.
    this.player = root.scanlabPlayer = mountPlayer(root);
    this.sent = JSON.stringify(this.player.view());
    window.addEventListener("pagehide", this.viewed);
    window.addEventListener("scanlab-image", this.dropped);
    for (const [name, values] of this.waiting || []) this.player[name](...values);
    this.waiting = null;
  },
  unmounted() {
    clearTimeout(this.timer);
    window.removeEventListener("pagehide", this.viewed);
    window.removeEventListener("scanlab-image", this.dropped);
    this.player.destroy();
  },
  methods: {
    // Keep how the paths are looked at now, and tell it when it rests. Until the first paths nobody has looked.
    viewed() {
      if (!this.player.scenes().length) return;
      const value = this.player.view(), words = JSON.stringify(value);
      if (words === this.sent) return;
      this.sent = words;
      const turn = keep("view", value);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.$emit("view", { value, turn }), REST_MS);
    },
    dropped({ detail }) { this.player.imageFile(detail); },
    // Calls may come before the element stands in the page.
    call(name, ...values) {
      if (this.player) this.player[name](...values);
      else (this.waiting = this.waiting || []).push([name, values]);
    },
    show(data, view) { this.call("show", data, view); },
    goTo(step) { this.call("goTo", step); },
    setPlaying(playing) { this.call("setPlaying", playing); },
    autoplay() { this.call("autoplay"); },
    colourBy(name) { this.call("colourBy", name); },
    counterexample(failing) { this.call("counterexample", failing); },
    clearCounterexample() { this.call("clearCounterexample"); },
    mark(where) { this.call("mark", where); },
    image(url) { this.call("image", url); },
    picture(rows, columns) { return this.player ? this.player.picture(rows, columns) : ""; },
    remembered(states) { this.call("setRemembered", states); },
    redraw() { this.call("redraw"); },
    focus() { this.call("focus"); },
  },
};
