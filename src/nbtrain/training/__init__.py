"""Everything about training itself: optimizers, schedules, losses, tasks, metrics and the loop that uses them."""
