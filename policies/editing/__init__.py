"""Writing a policy by hand: the form and the document, what an edit says, and saving it."""
