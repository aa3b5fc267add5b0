"""What the builds run: judge a pull request, say so on it, deploy a stack. `python -m delivery --help`."""
