// The strategy library as thumbnails, grouped by system, searched as one types.

export default {
  template: `
    <dialog ref="box" class="window wide" aria-label="Library" @mousedown="outside">
      <header>
        <h2>Library</h2>
        <div class="filters" role="group" aria-label="Show only">
          <label v-for="filter in filters" :key="filter.field"><span class="word">{{ filter.word }}</span>
            <select v-model="only[filter.field]" :aria-label="filter.word">
              <option value="">{{ filter.all }}</option>
              <option v-for="value in filter.values" :key="value" :value="value">{{ value }}</option>
            </select></label>
        </div>
        <input ref="search" type="search" v-model="query" placeholder="Search names, descriptions, sources" aria-label="Search the library" @keydown.down.prevent="first">
        <span class="count" role="status">{{ count }}</span>
        <button type="button" class="plain" aria-label="Close" title="Close (Esc)" @click="hide">✕</button>
      </header>
      <div class="inside" tabindex="0" role="group" aria-label="Strategies">
        <p v-if="full" class="full" role="status">{{ full }}</p>
        <p v-if="failed" class="empty">The library could not be loaded. <button type="button" @click="load">Try again</button></p>
        <p v-else-if="!entries" class="empty">Loading the library …</p>
        <p v-else-if="!shown" class="empty">Nothing in the library matches. <button type="button" @click="all">Show all</button></p>
        <section v-for="group in groups" :key="group.title" v-show="group.some">
          <h3>{{ group.title }}</h3>
          <ul class="cards">
            <li v-for="entry in group.entries" v-show="entry.shown" :key="entry.name">
              <button type="button" class="card" @click="$emit('open', entry.name); hide()">
                <img v-if="entry.picture" :src="entry.picture" loading="lazy" width="120" height="120" alt="">
                <strong>{{ entry.signature }}</strong>
                <span class="doc">{{ entry.doc }}</span>
              </button>
              <p v-if="entry.also.length" class="source" :title="'In the code of ' + entry.also.join(', ')">Also in {{ entry.also.join(", ") }}</p>
              <p v-if="entry.source" class="source" :title="entry.source">{{ entry.source }}</p>
              <p v-if="entry.note" class="source" :title="entry.note">Note: {{ entry.note }}</p>
              <button v-if="entry.picture" type="button" class="compare" :aria-label="'Show beside: ' + entry.name" :title="full || null" @click="$emit('compare', entry.name); hide()">Show beside</button>
            </li>
          </ul>
        </section>
      </div>
    </dialog>`,
  props: { full: String },
  emits: ["open", "compare"],
  data: () => ({ entries: null, query: "", failed: false, only: { axes: "", kind: "", system: "" } }),
  computed: {
    // Entries where every word that is searched for occurs.
    groups() {
      const words = this.query.toLowerCase().split(/\s+/).filter(Boolean), groups = new Map();
      for (const entry of this.entries ?? []) {
        if (!groups.has(entry.system)) groups.set(entry.system, { title: entry.system, entries: [], some: false });
        const group = groups.get(entry.system), shown = this.fits(entry) && words.every((word) => entry.searched.includes(word));
        group.entries.push({ ...entry, shown });
        group.some ||= shown;
      }
      return [...groups.values()];
    },
    filters() {
      const values = (field) => [...new Set((this.entries ?? []).map((entry) => entry[field]))].filter(Boolean).sort();
      return [
        { field: "axes", word: "Axes", all: "all axes", values: values("axes") },
        { field: "kind", word: "Kind", all: "all kinds", values: values("kind") },
        { field: "system", word: "System", all: "all systems", values: values("system") },
      ];
    },
    shown() { return this.groups.reduce((sum, group) => sum + group.entries.filter((entry) => entry.shown).length, 0); },
    count() { return this.entries ? `${this.shown} of ${this.entries.length}` : ""; },
  },
  methods: {
    // An entry belongs to the system that it is named after, and to those that have the same in their code.
    fits(entry) {
      const { axes, kind, system } = this.only;
      return (!axes || entry.axes === axes) && (!kind || entry.kind === kind) && (!system || entry.system === system || entry.also.includes(system));
    },
    all() { this.query = ""; Object.assign(this.only, { axes: "", kind: "", system: "" }); },
    open() {
      if (!this.entries) this.load();
      if (!this.$refs.box.open) this.$refs.box.showModal();
      this.$refs.search.focus();
      this.$refs.search.select();
    },
    async load() {
      this.failed = false;
      try {
        const answer = await fetch("/scanlab/library.json");
        if (!answer.ok) throw new Error(answer.status);
        const entries = await answer.json();
        this.entries = entries.map((e) => ({ ...e, searched: `${e.name} ${e.doc} ${e.source} ${e.system} ${e.axes} ${e.also.join(" ")}`.toLowerCase() }));
      } catch { this.failed = true; }
    },
    first() { this.$refs.box.querySelector("li:not([style*=none]) .card")?.focus(); },
    hide() { this.$refs.box.close(); },
    outside(event) { if (event.target === this.$refs.box) this.hide(); },
  },
};
