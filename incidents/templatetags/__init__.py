"""Tags for rows of incidents."""
