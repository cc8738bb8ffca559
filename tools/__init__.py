"""Tools of the repository; not installed."""
