// The time zone that all times are shown in: the browser's or UTC.

import { byId, el, replace } from './dom.js';
import { localZone } from './time.js';

const key = 'armor.zone';

export function setUpZone(changed) {
  const select = byId('zone');
  const zones = localZone === 'UTC' ? ['UTC'] : [localZone, 'UTC'];
  replace(select, zones.map((z) => el('option', { value: z }, z)));
  try {
    const chosen = localStorage.getItem(key);
    if (zones.includes(chosen)) select.value = chosen;
  } catch {
    // Storage is switched off: the browser's zone holds.
  }
  select.addEventListener('change', () => {
    try {
      localStorage.setItem(key, select.value);
    } catch {
      // See above.
    }
    changed();
  });
  return () => select.value;
}
