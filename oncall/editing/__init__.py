"""Writing a schedule by hand: the form and the document, what an edit brings, and saving it."""
