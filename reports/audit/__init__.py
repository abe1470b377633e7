"""What auditors do with the ledger: follow, go back to an instant, compare versions, take evidence away."""
