// The language on one screen: lines that take the place of the text when they are clicked, and what every word means.

export default {
  template: `
    <dialog ref="box" class="window wide card-window" aria-label="The language on one page" @mousedown="outside">
      <header><h2>The language on one page</h2>
        <button type="button" class="plain" aria-label="Close" title="Close (Esc)" @click="hide">✕</button></header>
      <div class="inside" tabindex="0" role="group" aria-label="What can be written">
        <p v-if="failed" class="empty">The card could not be loaded. <button type="button" @click="load">Try again</button></p>
        <div class="columns" v-else>
          <section v-for="section in sections" :key="section.title">
            <h3>{{ section.title }}</h3>
            <ul><li v-for="(row, i) in section.rows" :key="i">
              <button v-if="row.example" type="button" class="line" title="Put this in the place of the text" @click="$emit('open', row.example); hide()" v-html="row.written"></button>
              <span v-else v-html="row.written"></span>
              <small v-html="row.means"></small>
            </li></ul>
          </section>
        </div>
      </div>
    </dialog>`,
  emits: ["open"],
  data: () => ({ sections: [], failed: false }),
  methods: {
    open() {
      if (!this.sections.length) this.load();
      if (!this.$refs.box.open) this.$refs.box.showModal();
    },
    async load() {
      this.failed = false;
      try {
        const answer = await fetch("/scanlab/language.json");
        if (!answer.ok) throw new Error(answer.status);
        this.sections = await answer.json();
      } catch { this.failed = true; }
    },
    hide() { this.$refs.box.close(); },
    outside(event) { if (event.target === this.$refs.box) this.hide(); },
  },
};
