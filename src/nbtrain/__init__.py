"""nbtrain: training image models from a notebook."""
