"""Short work that runs apart from the kernel: one file per kind, found by its name.

A kind is a module with one function ``work(desk) -> dict``: it takes a request and returns a result that JSON can hold.
runs/errand.py calls it in a process of its own, which may be ended at any moment, so a kind looks for no stop and
tidies nothing up. It must touch no run. Here it knows data, models and training; who asked it does not know.
"""
