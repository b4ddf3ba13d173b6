// A modal window with a title; what stands in it comes from the page.

export default {
  template: `
    <dialog ref="box" class="window" :class="kind" :aria-label="title" @close="$emit('closed')" @mousedown="outside">
      <header><h2>{{ title }}</h2><button type="button" class="plain" aria-label="Close" title="Close (Esc)" @click="hide">✕</button></header>
      <div class="inside" tabindex="0" role="group" :aria-label="title"><slot></slot></div>
    </dialog>`,
  props: { title: String, kind: String },
  emits: ["closed"],
  methods: {
    open() { if (!this.$refs.box.open) this.$refs.box.showModal(); },
    hide() { this.$refs.box.close(); },
    // A press on the backdrop, which belongs to the dialog itself.
    outside(event) { if (event.target === this.$refs.box) this.hide(); },
  },
};
