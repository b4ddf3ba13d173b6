// The player of paths as an element of the page: see scanlab/view/player.py for what it shows.

import { MARKUP, mountPlayer } from "/scanlab/player_source.js";

export default {
  template: `<div class="player" ref="root"></div>`,
  emits: ["step", "colour"],
  mounted() {
    const { root } = this.$refs;
    root.innerHTML = MARKUP;
    root.addEventListener("step", (event) => this.$emit("step", event.detail));
    root.addEventListener("colour", (event) => this.$emit("colour", event.detail));
    this.player = mountPlayer(root);
    for (const [name, values] of this.waiting || []) this.player[name](...values);
    this.waiting = null;
  },
  unmounted() {
    this.player.destroy();
  },
  methods: {
    // Calls may come before the element stands in the page.
    call(name, ...values) {
      if (this.player) this.player[name](...values);
      else (this.waiting = this.waiting || []).push([name, values]);
    },
    show(data) { this.call("show", data); },
    goTo(step) { this.call("goTo", step); },
    setPlaying(playing) { this.call("setPlaying", playing); },
    colourBy(name) { this.call("colourBy", name); },
    counterexample(failing) { this.call("counterexample", failing); },
    clearCounterexample() { this.call("clearCounterexample"); },
    image(url) { this.call("image", url); },
    redraw() { this.call("redraw"); },
    focus() { this.call("focus"); },
  },
};
