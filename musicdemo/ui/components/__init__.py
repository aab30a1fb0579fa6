"""Parts of the page that are drawn in the browser by JavaScript of our own."""
