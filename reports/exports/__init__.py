"""Lists and reports as files: CSV, JSON, XLSX, PDF, at once or regularly, with the same filters as on the page."""
