// Runs before the first paint: the theme chosen here earlier, and the mark that script is at work.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* storage is switched off: the system's theme stays */ }
})();
