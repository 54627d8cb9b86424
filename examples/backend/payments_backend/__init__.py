"""A back end that takes payment requests over HTTP and makes each of them once. See README.md beside this package."""
