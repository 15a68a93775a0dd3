// Sets the chosen colours before the first paint, so that a dark page does not flash white.
(() => {
  try {
    const chosen = localStorage.getItem('armor.theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is switched off: the system's colours hold.
  }
})();
