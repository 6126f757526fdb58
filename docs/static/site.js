// What a screen reader needs and the theme leaves out: names for arrows and buttons, and a landmark around the title.
document.addEventListener("DOMContentLoaded", () => {
  for (const named of document.querySelectorAll("button.search-button-field, summary[aria-label]"))
    if (named.textContent.trim()) named.removeAttribute("aria-label"); // the words on it are its name
  for (const arrow of document.querySelectorAll("summary:not([aria-label])"))
    if (!arrow.textContent.trim()) arrow.setAttribute("aria-label", "Pages below this one");
  const title = document.querySelector(".sidebar-primary-items__start > .sidebar-primary-item");
  title?.setAttribute("role", "region");
  title?.setAttribute("aria-label", "Title of the site");
});
