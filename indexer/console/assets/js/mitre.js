// Techniques of MITRE ATT&CK: their names, and links to their pages that tell those nothing of where one came from.

import { el } from './dom.js';
import { visible } from './text.js';

const form = /^T(\d{4})(?:\.(\d{3}))?$/;

/** @param {{id: string, technique?: string, tactics?: string[]}} m */
export function technique(m) {
  const match = form.exec(m.id);
  const name = `${visible(m.id)}${m.technique ? ` ${visible(m.technique)}` : ''}`;
  const shown = match ? el('a', { href: `https://attack.mitre.org/techniques/T${match[1]}/${match[2] ? `${match[2]}/` : ''}`, rel: 'noreferrer noopener', target: '_blank', title: 'Opens attack.mitre.org in a new tab' }, name) : name;
  return el('span', { class: 'technique' }, shown, m.tactics?.length ? el('span', { class: 'sub' }, ` ${visible(m.tactics.join(', '))}`) : null);
}
