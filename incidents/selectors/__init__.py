"""Reads for pages: each returns values that a template draws, with a known number of queries."""

from incidents.selectors.navigation import NavigationCounts, TeamCount, navigation_counts

__all__ = ["NavigationCounts", "TeamCount", "navigation_counts"]
