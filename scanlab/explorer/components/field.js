// A one-line input with a label, which tells of every change and says what is wrong with it.

export default {
  template: `
    <div class="field" :class="{ wrong }">
      <label :for="box">{{ label }}</label>
      <input ref="box" :id="box" type="text" :aria-invalid="wrong ? 'true' : null" :aria-describedby="wrong ? box + '-wrong' : null"
        autocomplete="off" spellcheck="false" autocapitalize="off" :placeholder="hint" @input="$emit('edit', $event.target.value)"
        @keydown.enter="$emit('enter', $event.target.value)">
      <small v-if="wrong" :id="box + '-wrong'" role="alert">{{ wrong }}</small>
    </div>`,
  props: { label: String, box: String, hint: String, wrong: String },
  emits: ["edit", "enter"],
  methods: {
    // What the user is typing right now stays as it is.
    set(text) { if (document.activeElement !== this.$refs.box) this.$refs.box.value = text; },
    put(text) { this.$refs.box.value = text; },
    focus() { this.$refs.box.focus(); this.$refs.box.select(); },
  },
};
