"""The pages on which SLA targets, the priority matrix and business calendars are written: drafts, and what they show."""
