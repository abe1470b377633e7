"""Looking after policies: the nightly look of the linter, and reviews with their evidence."""
