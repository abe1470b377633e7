"""How the house works now, for administrators: queues, lateness, set-aside rows, processes."""
