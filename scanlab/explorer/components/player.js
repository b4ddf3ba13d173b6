// The player of paths as an element of the page: see scanlab/view/player.py for what it shows.

import { MARKUP, mountPlayer } from "/scanlab/player_source.js";

export default {
  template: `<div class="player" ref="root"></div>`,
  emits: ["step"],
  mounted() {
    this.$refs.root.innerHTML = MARKUP;
    this.player = mountPlayer(this.$refs.root);
    if (this.waiting) this.player.show(this.waiting);
  },
  methods: {
    show(data) {
      if (this.player) this.player.show(data);
      else this.waiting = data;
    },
    goTo(step) { this.player.goTo(step); },
    colourBy(name) { this.player.colourBy(name); },
    redraw() { this.player.redraw(); },
  },
};
