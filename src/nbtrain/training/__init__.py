"""Training: settings and parts of a run, and the loop that drives them."""
