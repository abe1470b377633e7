"""The mathematics of the ledger's proof: canonical bytes, Merkle trees, signed checkpoints. Pure; no row, no clock, no network."""
