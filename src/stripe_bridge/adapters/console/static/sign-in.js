// The link's token stands in the fragment, which no server gets to see. It goes into the form, and out of the address bar and
// the history; nothing is sent before somebody presses the button, since scanners of mail open links.
const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("token").value = token;
  document.getElementById("by-hand").hidden = true;
}
