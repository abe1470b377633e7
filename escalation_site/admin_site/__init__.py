"""The custom admin: one look with the pages, every change in the ledger."""
