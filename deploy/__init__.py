"""Tools of those who build, check and install Watchbell; `make` calls them."""
