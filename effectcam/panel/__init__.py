"""The control page of a live run, on this machine alone, and the API behind it."""
