"""Images and labels: where they come from, how they are split, and how a trainer reads them."""
