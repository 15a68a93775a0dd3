// Time range, search, level, agent and group.

import { byId, el, replace } from './dom.js';
import { visible } from './text.js';
import { bounds, fromInput, inputValue, presets, rangeName } from './time.js';

const typingPause = 450;

export class Toolbar {
  /**
   * @param {(changes: Object, typing?: boolean) => void} change
   * @param {() => string} zone
   */
  constructor(change, zone) {
    this.change = change;
    this.zone = zone;
    this.timer = 0;
    replace(byId('level'), el('option', { value: '0' }, 'All'), Array.from({ length: 16 }, (_, i) => el('option', { value: String(i + 1) }, `\u2265 ${i + 1}`)));
    byId('level').addEventListener('change', (e) => change({ level: Number(e.target.value) }));
    byId('agent').addEventListener('change', (e) => change({ agent: e.target.value }));
    byId('group').addEventListener('change', (e) => change({ group: e.target.value }));
    byId('range').addEventListener('change', (e) => this.chooseRange(e.target.value));
    byId('custom-apply').addEventListener('click', () => this.applyCustom());
    byId('q').addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(true), typingPause);
    });
    byId('toolbar').addEventListener('submit', (e) => {
      e.preventDefault();
      this.search(false);
    });
    // On keyup: the stroke itself must not end up in the search.
    document.addEventListener('keyup', (e) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
      if (e.key === '/' && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
        byId('q').focus();
      }
    });
  }

  search(typing) {
    clearTimeout(this.timer);
    this.change({ q: byId('q').value.trim() }, typing);
  }

  chooseRange(value) {
    if (value !== 'custom') {
      this.change({ range: value });
      return;
    }
    const { since, until } = bounds(this.range || 'all');
    byId('from').value = since ? inputValue(since, this.zone()) : '';
    byId('to').value = inputValue(until ?? Date.now(), this.zone());
    byId('custom').hidden = false;
    byId('from').focus();
  }

  applyCustom() {
    const from = fromInput(byId('from').value, this.zone());
    const to = fromInput(byId('to').value, this.zone());
    if (from && to && from >= to) {
      byId('to').setCustomValidity('The end is not after the beginning.');
      byId('to').reportValidity();
      byId('to').addEventListener('input', () => byId('to').setCustomValidity(''), { once: true });
      return;
    }
    this.change({ range: from || to ? `${from ?? ''}..${to ?? ''}` : 'all' });
  }

  /** Shows the state in the controls. */
  show(state) {
    this.range = state.range;
    const own = state.range.includes('..');
    replace(byId('range'), presets.map(([key, name]) => el('option', { value: key }, name)), el('option', { value: 'all' }, 'All time'),
      own ? el('option', { value: state.range }, rangeName(state.range, this.zone())) : null, el('option', { value: 'custom' }, own ? 'Change custom range\u2026' : 'Custom\u2026'));
    byId('range').value = state.range || 'all';
    byId('custom').hidden = true;
    if (document.activeElement !== byId('q')) byId('q').value = state.q;
    byId('level').value = String(state.level);
    this.options(byId('agent'), state.agent, this.agents ?? []);
    this.options(byId('group'), state.group, this.groups ?? []);
  }

  /** What agents and groups there are to choose from. */
  values(state, agents, groups) {
    this.agents = agents;
    this.groups = groups;
    this.options(byId('agent'), state.agent, agents);
    this.options(byId('group'), state.group, groups);
  }

  options(select, chosen, values) {
    const all = chosen && !values.includes(chosen) ? [chosen, ...values] : values;
    const want = ['', ...all];
    const have = [...select.options].map((o) => o.value);
    if (want.length !== have.length || want.some((v, i) => v !== have[i])) {
      replace(select, el('option', { value: '' }, 'All'), all.map((v) => el('option', { value: v }, visible(v))));
    }
    select.value = chosen;
  }

  /** Shows why a query cannot be understood, with a mark under the character (counted from 0 in code points) where reading stopped. */
  queryError(error, query) {
    const input = byId('q');
    if (!error) {
      input.removeAttribute('aria-invalid');
      replace(byId('q-error'));
      return;
    }
    input.setAttribute('aria-invalid', 'true');
    const chars = [...query];
    const at = Number.isInteger(error.position) ? Math.min(error.position, chars.length) : null;
    replace(byId('q-error'), el('p', {}, visible(error.message)),
      at === null ? null : el('code', {}, visible(chars.slice(0, at).join('')), el('mark', {}, at < chars.length ? visible(chars[at]) : '\u2423'), visible(chars.slice(at + 1).join(''))));
  }
}
