"""Documents to print: one way to set headings, facts and tables as PDF, for reports and for the audit pack."""
