"""Projects and experiments: the objects that panels, scripts and the command line share."""
