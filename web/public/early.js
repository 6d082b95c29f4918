// Before the first paint: the chosen colours, and whether the page is a chat that will be loaded.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem('eloquent.theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  } catch (error) {
    // A browser that keeps nothing has no choice to remember.
  }
  if (location.search.indexOf('chat=') > 0) root.dataset.opens = 'chat';
})();
