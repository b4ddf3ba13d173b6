// A one-line input with a label, which tells of every change and says what is wrong with it. What is typed into one with
// a name to keep it under outlives a reload.

import { keep, wantGrid } from "/scanlab/static/page.js";

export default {
  template: `
    <div class="field" :class="{ wrong }">
      <label :for="box">{{ label }}</label>
      <input ref="box" :id="box" type="text" :aria-invalid="wrong ? 'true' : null" :aria-describedby="wrong ? box + '-wrong' : about ? box + '-about' : null"
        autocomplete="off" spellcheck="false" autocapitalize="off" :placeholder="hint" :title="about || null" @input="typed"
        @keydown.enter="$emit('enter', $event.target.value)">
      <small v-if="wrong" :id="box + '-wrong'" role="alert">{{ wrong }}</small>
      <small v-else-if="about" :id="box + '-about'" class="about">{{ about }}</small>
    </div>`,
  props: { label: String, box: String, hint: String, wrong: String, kept: String, start: String, about: String },
  emits: ["edit", "enter"],
  mounted() { if (this.start) this.$refs.box.value = this.start; },
  methods: {
    typed() {
      const value = this.$refs.box.value;
      if (this.kept === "grid") wantGrid(value);
      this.$emit("edit", { value, turn: this.kept ? keep(this.kept, value) : 0 });
    },
    // What the user is typing right now stays as it is.
    set(text) { if (document.activeElement !== this.$refs.box) this.$refs.box.value = text; },
    put(text) {
      if (this.kept === "grid") wantGrid(null);
      this.$refs.box.value = text;
    },
    focus() { this.$refs.box.focus(); this.$refs.box.select(); },
  },
};
