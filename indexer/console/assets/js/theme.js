// Light, dark, or what the system says.

import { byId } from './dom.js';

const key = 'armor.theme';

export function setUpTheme(repaint) {
  const select = byId('theme');
  select.value = stored() ?? 'auto';
  select.addEventListener('change', () => {
    if (select.value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = select.value;
    store(select.value);
    repaint();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
}

function stored() {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null;
  }
}

function store(value) {
  try {
    if (value === 'auto') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is switched off: the choice holds for this page.
  }
}
