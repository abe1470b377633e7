"""The books of the house on pages, over the API and in the ledger's words: what is the same for all of them."""
