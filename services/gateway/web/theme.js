// Runs before the page is painted, so that a chosen theme does not flash.
"use strict";
try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
    // A browser that keeps nothing for this page gets the system's colours.
}
