"""The targets are a program's modules, which fuzz.py puts on its path; pytest has nothing to collect in them."""

collect_ignore = ["family_targets.py", "fuzz.py", "target.py", "targets.py"]
