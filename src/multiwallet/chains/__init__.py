"""The families: one room each. They never import each other."""
