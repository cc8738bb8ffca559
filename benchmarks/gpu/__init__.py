"""All that one needs to know from a GPU, measured in one run of limited time."""
