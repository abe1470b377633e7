"""The API below /api/v1/: its addresses, its errors, its pages, its documentation. Each app brings its own views."""
