"""Live updates: the ledger is tailed once per web process, and what changed is told to the browsers that asked (DESIGN.md §7)."""
